//! The catalogue with models behind a server that is not ours: streamed, with calls of tools, in the languages
//! of three providers.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use domain::{
    ModelId,
    models::{ModelInput, ModelKind},
    runs::{Run, RunState, RunStep, StepKind},
};
use serde_json::{Value, json};
use service::{Actor, Db};

use crate::support::{Answers, demo, to_its_end};

/// [aimock](https://github.com/CopilotKit/aimock), which answers what is written down for it.
struct Aimock {
    process: Child,
    script: PathBuf,
    origin: String,
}

impl Aimock {
    fn start(fixtures: Vec<Value>) -> Self {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../end2end/node_modules");
        let program = peers.join("@copilotkit/aimock/dist/cli.js");
        assert!(program.exists(), "run `npm ci` in end2end first, as bin/test does");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let script = std::env::temp_dir().join(format!("saleswright-aimock-{}-{port}.json", std::process::id()));
        fs::write(&script, json!({ "fixtures": fixtures }).to_string()).expect("a file");
        let mut process = Command::new("node")
            .arg(program)
            .args(["--strict", "--port", &port.to_string(), "--fixtures"])
            .arg(&script)
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let mut said = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut line = String::new();
        while !line.contains("listening") {
            line.clear();
            assert!(said.read_line(&mut line).expect("it speaks") > 0, "it does not start");
        }
        // Nobody reads on, so nobody may be waited for.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { process, script, origin: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for Aimock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.script);
    }
}

/// What a model has to say to do the work that the playbook has done.
fn script(run: &Run, steps: &[RunStep]) -> Vec<Value> {
    let calls = steps.iter().filter(|step| step.kind == StepKind::ToolCall);
    let calls = calls.map(|step| json!({ "toolCalls": [{ "name": step.name, "arguments": step.input }] }));
    let answers = calls.chain([json!({ "content": format!("{} is done.", run.agent) })]);
    answers
        .enumerate()
        .map(|(turn, answer)| json!({ "match": { "userMessage": run.task, "turnIndex": turn }, "response": answer }))
        .collect()
}

async fn set_up(db: &Db, nora: &Actor, kind: ModelKind, base_url: String) -> ModelId {
    let input = ModelInput {
        name: Some(kind.as_str().to_owned()),
        kind: Some(kind),
        base_url: Some(base_url),
        model: Some("m".into()),
        key: Some("sk-test".into()),
        ..ModelInput::default()
    };
    let mut t = db.tenant(nora).await.expect("open");
    let model = t.models().create(input).await.expect("set up");
    t.commit().await.expect("kept");
    model.id
}

async fn done(db: &Db, nora: &Actor, agent: domain::AgentId) -> (Run, Vec<RunStep>) {
    let mut t = db.tenant(nora).await.expect("open");
    let run = t.runs().create_example(agent).await.expect("started");
    t.commit().await.expect("kept");
    let run = to_its_end(db, nora, run).await;
    let mut t = db.tenant(nora).await.expect("open");
    let steps = t.runs().steps(run.id).await.expect("steps");
    (run, steps)
}

#[tokio::test]
async fn all_28_agents_finish_their_example_with_models_of_three_providers() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let receiver = Answers::start(200).await;
    let mut t = db.tenant(&nora).await.expect("open");
    t.webhook().connect(&receiver.url).await.expect("connected");
    let agents = t.agents().list().await.expect("a list");
    t.commit().await.expect("kept");

    let mut fixtures = Vec::new();
    for agent in &agents {
        let (run, steps) = done(&db, &nora, agent.id).await;
        fixtures.extend(script(&run, &steps));
    }
    let aimock = Aimock::start(fixtures);
    let mut wrong = Vec::new();
    for (kind, path) in [(ModelKind::OpenAi, "/v1"), (ModelKind::Anthropic, "/v1"), (ModelKind::Gemini, "/v1beta")] {
        let model = set_up(&db, &nora, kind, format!("{}{path}", aimock.origin)).await;
        for agent in &agents {
            let (run, steps) = done(&db, &nora, agent.id).await;
            let by_model = steps.iter().any(|step| step.kind == StepKind::ModelCall && step.model.is_some());
            let calls = steps.iter().filter(|step| step.kind == StepKind::ToolCall).count();
            let answer = format!("{} is done.", run.agent);
            if run.state != RunState::Succeeded || run.answer != Some(answer) || !by_model || calls == 0 {
                let detail = run.failure_detail.as_deref().unwrap_or_default();
                wrong.push(format!("{} with {kind}: {} {:?} {detail}", run.agent, run.state, run.answer));
            }
        }
        let mut t = db.tenant(&nora).await.expect("open");
        t.models().delete(model).await.expect("deleted");
        t.commit().await.expect("kept");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
