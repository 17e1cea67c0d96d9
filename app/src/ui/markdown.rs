//! Markdown of agents as HTML that is safe wherever the words came from: no HTML of its own, no pictures, and
//! links to the web and to mail only.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// The HTML of a text. Its headings begin below those of the card that it stands in.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut links = Vec::new();
    let mut outline = Vec::new();
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    let events = parser.filter_map(|event| {
        Some(match event {
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            // What a picture would load tells somebody that the page was read. Its words stay.
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => return None,
            Event::Start(Tag::Link { dest_url, .. }) => {
                let safe = is_safe(&dest_url);
                links.push(safe);
                if !safe {
                    return None;
                }
                Event::InlineHtml(CowStr::from(format!(
                    "<a href=\"{}\" rel=\"nofollow noopener\">",
                    attribute(&dest_url)
                )))
            }
            Event::End(TagEnd::Link) => {
                if !links.pop().unwrap_or_default() {
                    return None;
                }
                Event::InlineHtml(CowStr::from("</a>"))
            }
            Event::Start(Tag::Heading { level, .. }) => {
                outline.retain(|&above| above < level);
                outline.push(level);
                let level = shown(outline.len());
                Event::Start(Tag::Heading { level, id: None, classes: Vec::new(), attrs: Vec::new() })
            }
            Event::End(TagEnd::Heading(_)) => Event::End(TagEnd::Heading(shown(outline.len()))),
            other => other,
        })
    });
    let mut written = String::new();
    html::push_html(&mut written, events);
    written
}

fn is_safe(url: &str) -> bool {
    let url = url.to_ascii_lowercase();
    ["https://", "http://", "mailto:"].iter().any(|scheme| url.starts_with(scheme))
}

fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// How a heading so deep in the text is shown. A level is never left out, whatever the text does.
const fn shown(depth: usize) -> HeadingLevel {
    match depth {
        0 | 1 => HeadingLevel::H3,
        2 => HeadingLevel::H4,
        3 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn words_get_their_form() {
        let written = markdown("# Plan\n\n1. **Call** [them](https://example.com/?a=1&b=2)\n\n| a |\n|---|\n| 1 |");
        assert!(written.contains("<h3>Plan</h3>"), "{written}");
        assert!(written.contains("<strong>Call</strong>"), "{written}");
        let link = r#"<a href="https://example.com/?a=1&amp;b=2" rel="nofollow noopener">them</a>"#;
        assert!(written.contains(link), "{written}");
        assert!(written.contains("<td>1</td>"), "{written}");
    }

    #[test]
    fn no_level_of_headings_is_left_out() {
        let written = markdown("## a\n\n#### b\n\n### c\n\n# d\n\n## e");
        for heading in ["<h3>a</h3>", "<h4>b</h4>", "<h4>c</h4>", "<h3>d</h3>", "<h4>e</h4>"] {
            assert!(written.contains(heading), "{heading}: {written}");
        }
    }

    #[test]
    fn nothing_in_it_acts_or_loads() {
        for text in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "![pixel](https://spy.example/p.png)",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html,hi)",
            "[x](/t/other/leads)",
            "<javascript:alert(1)>",
            "[x](https://a.example/\"onmouseover=alert(1)//)",
            "```\n</code><script>alert(1)</script>\n```",
        ] {
            let written = markdown(text);
            for wrong in ["<script", "<img", "href=\"javascript", "href=\"data", "href=\"/", "\"onmouseover"] {
                assert!(!written.to_lowercase().contains(wrong), "{text}: {written}");
            }
        }
        assert!(markdown("![a chart](https://x.example/c.png)").contains("a chart"), "its words stay");
    }
}
