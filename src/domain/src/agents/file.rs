//! Definitions as files: Markdown with YAML front matter, the way public collections of agents are
//! written. Many of those are not quite YAML, so what a strict reader refuses is read line by line.

use serde::{Serialize, de::DeserializeOwned};
use yaml_serde::{Mapping, Value};

use super::{Definition, Limits, Team};
use crate::Problem;

/// What stands around the front matter.
const FENCE: &str = "---";

impl Definition {
    /// Reads a file. Keys that are not known are kept.
    ///
    /// # Errors
    /// One problem that names the line.
    pub fn from_markdown(text: &str) -> Result<Self, Problem> {
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let (front, body) = split(&text)?;
        let mut keys = Keys { map: read(front)?, front };
        let name = keys.text("name")?.ok_or_else(|| at(line_of(front, "name"), "the front matter has no `name`."))?;
        let no_job = || at(line_of(front, "description"), "the front matter has no `description`.");
        let description = keys.text("description")?.ok_or_else(no_job)?;
        let team = match keys.text("team")? {
            Some(word) => Team::parse(word.trim()).ok_or_else(|| {
                let known: Vec<_> = Team::ALL.iter().map(|team| team.as_str()).collect();
                at(keys.line("team"), format!("`team` is one of {}.", known.join(", ")))
            })?,
            None => Team::Own,
        };
        let tools = keys.words("tools")?;
        let hands_over_to = keys.words("hands_over_to")?;
        let model = keys.text("model")?.unwrap_or_else(|| "default".to_owned());
        let color = keys.text("color")?;
        let limits = keys.value("limits")?.unwrap_or_default();
        let inputs = keys.value("inputs")?.unwrap_or_default();
        let example = keys.value("example")?;
        let evaluation = keys.value("evaluation")?;
        let playbook = keys.value("playbook")?.unwrap_or_default();
        Self {
            name,
            description: unescaped(&description),
            team,
            tools,
            hands_over_to,
            model,
            color,
            limits,
            inputs,
            example,
            evaluation,
            playbook,
            more: keys.map,
            instructions: body.to_owned(),
        }
        .check()
        .map_err(|problems| {
            let first = problems.into_iter().next();
            let (field, message) = first.map_or((None, String::new()), |p| (p.field, p.message));
            let field = field.as_deref().unwrap_or("name");
            let line = if field == "instructions" { front.lines().count() + 3 } else { line_of(front, field) };
            at(line, message)
        })
    }

    /// The file.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut front = Mapping::new();
        let mut put = |key: &str, value: Value| drop(front.insert(Value::from(key), value));
        put("name", Value::from(self.name.as_str()));
        put("description", Value::from(self.description.as_str()));
        if self.team != Team::Own {
            put("team", Value::from(self.team.as_str()));
        }
        if !self.tools.is_empty() {
            put("tools", self.tools.iter().map(|tool| Value::from(tool.as_str())).collect());
        }
        if !self.hands_over_to.is_empty() {
            put("hands_over_to", self.hands_over_to.iter().map(|name| Value::from(name.as_str())).collect());
        }
        if self.model != "default" {
            put("model", Value::from(self.model.as_str()));
        }
        if let Some(color) = &self.color {
            put("color", Value::from(color.as_str()));
        }
        if self.limits != Limits::default() {
            put("limits", value_of(&self.limits));
        }
        if !self.inputs.is_empty() {
            put("inputs", Value::Mapping(self.inputs.clone()));
        }
        for (key, case) in [("example", &self.example), ("evaluation", &self.evaluation)] {
            if let Some(case) = case {
                put(key, value_of(case));
            }
        }
        if !self.playbook.is_empty() {
            put("playbook", value_of(&self.playbook));
        }
        front.extend(self.more.clone());
        let front = yaml_serde::to_string(&front).unwrap_or_default();
        format!("{FENCE}\n{front}{FENCE}\n\n{}\n", self.instructions)
    }
}

fn value_of<T: Serialize>(value: &T) -> Value {
    yaml_serde::to_value(value).unwrap_or_default()
}

/// A problem of a line, counted from 1.
fn at(line: usize, what: impl Into<String>) -> Problem {
    let what: String = what.into();
    let mut letters = what.chars();
    let first = letters.next().map(char::to_lowercase).into_iter().flatten();
    let what: String = if what.starts_with('`') { what } else { first.chain(letters).collect() };
    Problem::field("file", "definition_invalid", format!("Line {line}: {what}"))
}

/// Front matter and body.
fn split(text: &str) -> Result<(&str, &str), Problem> {
    let rest = text.strip_prefix(FENCE).and_then(|rest| rest.trim_start_matches([' ', '\t']).strip_prefix('\n'));
    let rest = rest.ok_or_else(|| at(1, "begin the file with a line of three dashes, then `name: ...`."))?;
    let mut passed = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == FENCE {
            return Ok((&rest[..passed], &rest[passed + line.len()..]));
        }
        passed += line.len();
    }
    let last = text.lines().count();
    Err(at(last, "the front matter does not end. Put a line of three dashes before the instructions."))
}

/// The front matter as YAML, else line by line.
fn read(front: &str) -> Result<Mapping, Problem> {
    if front.trim().is_empty() {
        return Ok(Mapping::new());
    }
    let strict = match yaml_serde::from_str::<Mapping>(front) {
        Ok(map) => return Ok(map),
        Err(error) => error,
    };
    by_line(front).ok_or_else(|| {
        let line = strict.location().map_or(1, |place| place.line());
        let what = strict.to_string();
        let what = what.split(" at line ").next().unwrap_or_default().to_owned();
        at(line + 1, format!("this is no YAML: {what}."))
    })
}

/// `key: text` on each line, whatever the text holds. What is indented belongs to the key above and has to
/// be YAML by itself.
fn by_line(front: &str) -> Option<Mapping> {
    let mut map = Mapping::new();
    let mut lines = front.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, rest) = line.split_once(':')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if key.is_empty() || !key.chars().all(plain) || map.contains_key(key) {
            return None;
        }
        let mut block = String::new();
        while let Some(more) = lines.next_if(|l| l.starts_with([' ', '\t', '-']) || l.trim().is_empty()) {
            block.push_str(more);
            block.push('\n');
        }
        let rest = rest.trim();
        let value = if block.trim().is_empty() {
            // A quoted text, a list or a number if it is one, else the words as they stand.
            yaml_serde::from_str::<Value>(rest).ok().filter(|v| !v.is_mapping()).unwrap_or_else(|| Value::from(rest))
        } else {
            let whole = format!("{key}: {rest}\n{block}");
            yaml_serde::from_str::<Mapping>(&whole).ok()?.into_iter().next()?.1
        };
        map.insert(Value::from(key), value);
    }
    Some(map)
}

/// The line of the file on which a key begins.
fn line_of(front: &str, key: &str) -> usize {
    let begins = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'));
    front.lines().position(begins).map_or(1, |n| n + 2)
}

/// Line breaks that were written as `\n`, as files do that keep a long text on one line.
fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\"", "\"")
}

/// The keys that are still to be read.
struct Keys<'f> {
    map: Mapping,
    front: &'f str,
}

impl Keys<'_> {
    fn line(&self, key: &str) -> usize {
        line_of(self.front, key)
    }

    /// A text; numbers and truth values are texts too.
    fn text(&mut self, key: &str) -> Result<Option<String>, Problem> {
        match self.map.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(truth)) => Ok(Some(truth.to_string())),
            Some(_) => Err(at(self.line(key), format!("`{key}` has to be a text."))),
        }
    }

    /// Words: a list, or one text with commas.
    fn words(&mut self, key: &str) -> Result<Vec<String>, Problem> {
        let wrong = at(self.line(key), format!("`{key}` has to be a list of names."));
        let words: Vec<String> = match self.map.remove(key) {
            None | Some(Value::Null) => Vec::new(),
            // A list that was not closed.
            Some(Value::String(text)) if text.starts_with('[') => return Err(wrong),
            Some(Value::String(text)) => text.split(',').map(|word| word.trim().to_owned()).collect(),
            Some(Value::Sequence(items)) => {
                items.into_iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>().ok_or(wrong)?
            }
            Some(_) => return Err(wrong),
        };
        Ok(words.into_iter().filter(|word| !word.is_empty()).collect())
    }

    /// A value of our own shape.
    fn value<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, Problem> {
        let line = self.line(key);
        match self.map.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                yaml_serde::from_value(value).map(Some).map_err(|e| at(line, format!("`{key}` can't be read: {e}.")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FULL: &str = "---\nname: copywriter\ndescription: Writes a first e-mail.\nteam: marketing\ntools:\n- read_lead\nhands_over_to:\n- reviewer\n\
        limits:\n  steps: 6\n  minutes: 5\n  tokens: 1000\n  cost: 0.5\ninputs:\n  type: object\n  properties:\n    lead:\n      \
        type: string\n    angle:\n      type: string\nplaybook:\n- call: read_lead\n  with:\n    lead: '{{ parameters.lead }}'\n  as: lead\n\
        - answer: Hello {{ lead.name }}\nhomepage: https://example.com\n---\n\nYou write.\n";

    #[test]
    fn a_file_survives_reading_and_writing() {
        let read = Definition::from_markdown(FULL).expect("a definition");
        assert_eq!(read.to_markdown(), FULL);
        assert_eq!(read.more.get("homepage").and_then(Value::as_str), Some("https://example.com"));
        assert_eq!(read.limits.steps, 6);
        assert_eq!((read.playbook.len(), read.hands_over_to.as_slice()), (2, ["reviewer".to_owned()].as_slice()));
    }

    #[test]
    fn files_of_public_collections_load_as_they_are() {
        let text = "---\nname: code-reviewer\ndescription: Use this agent when a change is done. Examples: \
            <example>Context: A change was made. user: \"Look at it\" assistant: \"I'll use the reviewer: now\"\\n\
            <commentary>Because: it is done.</commentary></example>\\n\\nNever for \"drafts\".\n\
            tools: Read, Grep, mcp__github__list\nmodel: sonnet\ncolor: red\n---\nYou review code.\n";
        let read = Definition::from_markdown(text).expect("a definition");
        assert_eq!(read.name, "code-reviewer");
        assert!(read.description.contains("user: \"Look at it\""), "{}", read.description);
        assert!(read.description.contains("</example>\n\nNever"), "{}", read.description);
        assert_eq!(read.tools, ["Read", "Grep", "mcp__github__list"]);
        assert_eq!((read.model.as_str(), read.color.as_deref(), read.team), ("sonnet", Some("red"), Team::Own));
        let again = Definition::from_markdown(&read.to_markdown()).expect("what we write we read");
        assert_eq!(again, read);
    }

    #[test]
    fn a_bad_file_says_which_line_and_why() {
        let cases = [
            ("name: x", "Line 1: begin the file with a line of three dashes"),
            ("---\nname: x\n", "Line 2: the front matter does not end"),
            ("---\ndescription: y\n---\nz", "Line 1: the front matter has no `name`"),
            ("---\nname: x\n---\nz", "Line 1: the front matter has no `description`"),
            ("---\ndescription: y\nname:\n---\nz", "Line 3: the front matter has no `name`"),
            ("---\nname: x\ndescription: y\nteam: sales\n---\nz", "Line 4: `team` is one of"),
            ("---\nname: x\ndescription: y\n---\n\n", "Line 5: write the instructions"),
            ("---\nname: x\ndescription: y\nlimits:\n  stepps: 3\n---\nz", "Line 4: `limits` can't be read"),
            ("---\nname: x\ndescription: y\nlimits: {steps: 0}\n---\nz", "Line 4: the limit `steps`"),
            ("---\nname: x\n\tdescription: y\n---\nz", "Line 3: this is no YAML"),
            ("---\nname: [a, b]\ndescription: y\n---\nz", "Line 2: `name` has to be a text"),
            ("---\nname: x\ndescription: y\ntools: {a: 1}\n---\nz", "Line 4: `tools` has to be a list"),
            ("---\nname: x\ndescription: y\ntools: [a, b\n---\nz", "Line 4: `tools` has to be a list"),
            (
                "---\nname: x\ndescription: y\nname: z\n---\nz",
                "Line 2: this is no YAML: duplicate entry with key \"name\"",
            ),
            ("---\nname: x\ndescription: y\nplaybook:\n- answer: '{{ x'\n---\nz", "Line 4: step 1 of the playbook"),
        ];
        for (text, said) in cases {
            let problem = Definition::from_markdown(text).expect_err(text);
            assert!(problem.message.starts_with(said), "{text:?}: {}", problem.message);
        }
    }

    #[test]
    fn line_ends_and_marks_of_other_systems_are_no_problem() {
        let text = format!("\u{feff}{}", FULL.replace('\n', "\r\n"));
        assert_eq!(Definition::from_markdown(&text), Definition::from_markdown(FULL));
    }

    proptest! {
        #[test]
        fn what_we_write_we_read(name in "[^\\p{C}]{1,100}", description in "[^\\p{C}\\\\]{1,300}", body in "[^\\p{C}]{1,300}") {
            let written = Definition::new(&name, &description, &body);
            if let Ok(checked) = written.check() {
                prop_assert_eq!(Definition::from_markdown(&checked.to_markdown()), Ok(checked));
            }
        }

        #[test]
        fn no_text_brings_the_reader_down(text in "(---\\n)?(\\PC|\\n|: ){0,200}(\\n---\\n)?\\PC{0,50}") {
            let _ = Definition::from_markdown(&text);
        }
    }
}
