//! What a tool has answered, as an agent reads it: text and data within a limit. Pictures and sounds are named and
//! left out.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::{Value, json};
use service::connectors::storable;

use super::{Failed, fault::short};

/// Characters of all texts together, and of the data.
const TEXT: usize = 100_000;

/// The answer as JSON: `text`, `data` where the tool gives some, and what was left out.
pub(super) fn plain(result: CallToolResult) -> Result<Value, Failed> {
    let (mut text, mut left_out) = (String::new(), Vec::new());
    for block in result.content {
        match block {
            ContentBlock::Text(part) => add(&mut text, &part.text),
            ContentBlock::Resource(part) => match part.resource {
                ResourceContents::TextResourceContents { uri, text: said, .. } => {
                    add(&mut text, &format!("{uri}\n{said}"));
                }
                ResourceContents::BlobResourceContents { uri, .. } => left_out.push(uri),
                _ => left_out.push("a resource".to_owned()),
            },
            ContentBlock::ResourceLink(link) => add(&mut text, &format!("{}: {}", link.name, link.uri)),
            ContentBlock::Image(picture) => left_out.push(picture.mime_type),
            ContentBlock::Audio(sound) => left_out.push(sound.mime_type),
            _ => left_out.push("a part that is not known here".to_owned()),
        }
    }
    if result.is_error == Some(true) {
        return Err(Failed {
            words: format!("The tool says “{}”.", short(&text)), outside: true, ..Failed::default()
        });
    }
    if let Some((end, _)) = text.char_indices().nth(TEXT) {
        text.truncate(end);
        left_out.push("the rest of the text".to_owned());
    }
    let mut answer = json!({ "text": text });
    if let Some(data) = result.structured_content {
        if data.to_string().len() <= TEXT {
            answer["data"] = data;
        } else {
            left_out.push("the data, which is too large".to_owned());
        }
    }
    if !left_out.is_empty() {
        answer["left_out"] = json!(left_out);
    }
    Ok(storable(&answer))
}

fn add(text: &mut String, part: &str) {
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_cut_and_says_what_is_missing() {
        let parts = vec![ContentBlock::text("ä".repeat(TEXT + 1)), ContentBlock::image("AAAA", "image/png")];
        let answer = plain(CallToolResult::success(parts)).expect("an answer");
        assert_eq!(answer["text"].as_str().map(|text| text.chars().count()), Some(TEXT));
        assert_eq!(answer["left_out"], json!(["image/png", "the rest of the text"]));
        let no = plain(CallToolResult::error(vec![ContentBlock::text("No\nsuch thing")])).expect_err("an error");
        assert_eq!((no.words.as_str(), no.outside), ("The tool says “No such thing”.", true));
    }
}
