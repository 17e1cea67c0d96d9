//! Agents as files on this machine: in and out.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use service::Db;

/// What is done with agents.
#[derive(Debug, Subcommand)]
pub enum Agents {
    /// Takes Markdown files with YAML front matter; a name that is known becomes a new version.
    Import {
        /// Slug of the company.
        #[arg(long)]
        company: String,
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Writes agents as files.
    Export {
        /// Slug of the company.
        #[arg(long)]
        company: String,
        /// Folder for the files; it is made if it is missing.
        #[arg(long, default_value = "agents")]
        to: PathBuf,
        /// Names; all agents without one.
        names: Vec<String>,
    },
}

impl Agents {
    /// Does it, and says what became of each file.
    ///
    /// # Errors
    /// A file that cannot be read or written; a definition with a problem, after the others were taken.
    pub async fn run(self, db: &Db) -> Result<String> {
        match self {
            Self::Import { company, files } => import(db, &company, &files).await,
            Self::Export { company, to, names } => export(db, &company, &to, &names).await,
        }
    }
}

async fn import(db: &Db, company: &str, paths: &[PathBuf]) -> Result<String> {
    let read = |path: &PathBuf| {
        let name = path.display().to_string();
        fs::read_to_string(path).map(|text| (name.clone(), text)).with_context(|| name)
    };
    let files = paths.iter().map(read).collect::<Result<Vec<_>>>()?;
    let actor = db.platform().system_actor_by_slug(company, "command line").await?;
    let mut t = db.tenant(&actor).await?;
    let outcomes = t.agents().import(&files).await?;
    t.commit().await?;
    let refused = outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
    let lines: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| match outcome.result {
            Ok(agent) if agent.changed => format!("{}: {}, version {}", outcome.file, agent.name, agent.version),
            Ok(agent) => format!("{}: {}, unchanged", outcome.file, agent.name),
            Err(problem) => format!("{}: {}", outcome.file, problem.message),
        })
        .collect();
    if refused > 0 {
        bail!("{}\n{refused} of {} files were not taken", lines.join("\n"), paths.len());
    }
    Ok(lines.join("\n"))
}

async fn export(db: &Db, company: &str, to: &PathBuf, names: &[String]) -> Result<String> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    let actor = db.platform().system_actor_by_slug(company, "command line").await?;
    let mut t = db.tenant(&actor).await?;
    let agents = t.agents().list().await?;
    let wanted = |name: &str| names.is_empty() || names.iter().any(|n| n.eq_ignore_ascii_case(name));
    if let Some(unknown) = names.iter().find(|n| !agents.iter().any(|a| a.name.eq_ignore_ascii_case(n))) {
        bail!("there is no agent {unknown}");
    }
    let mut lines = Vec::new();
    for agent in agents.into_iter().filter(|agent| wanted(&agent.name)) {
        let path = to.join(agent.file_name());
        let text = t.agents().file(agent.id, agent.version).await?;
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        lines.push(format!("{}: {}, version {}", path.display(), agent.name, agent.version));
    }
    Ok(lines.join("\n"))
}
