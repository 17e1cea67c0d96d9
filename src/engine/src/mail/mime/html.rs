//! Makes simple HTML out of plain text: paragraphs, line breaks, links.
//! Everything that is not a link of http or https is escaped, so no text can become markup.

/// The text as HTML, for the inside of `<body>`.
pub fn html_from_text(text: &str) -> String {
    html_with_links(text, |_| None)
}

/// The same, where a link leads to what `led` says instead; nothing leaves it as it is. What is read stays what was
/// written.
pub fn html_with_links(text: &str, mut led: impl FnMut(&str) -> Option<String>) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(text.len() * 5 / 4);
    let mut paragraph: Vec<&str> = Vec::new();
    for line in text.split('\n').chain([""]) {
        if !line.trim().is_empty() {
            paragraph.push(line.trim_end());
        } else if !paragraph.is_empty() {
            let lines: Vec<String> = paragraph.drain(..).map(|line| line_as_html(line, &mut led)).collect();
            out.push_str(&format!("<p>{}</p>\n", lines.join("<br>\n")));
        }
    }
    out
}

/// A whole document around the body.
pub(super) fn document(body: &str) -> String {
    format!(
        "<!doctype html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

fn line_as_html(line: &str, led: &mut impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = link_start(rest) {
        let (before, from_link) = rest.split_at(start);
        let (link, after) = from_link.split_at(link_length(from_link));
        escape(before, &mut out);
        out.push_str("<a href=\"");
        escape(led(link).as_deref().unwrap_or(link), &mut out);
        out.push_str("\">");
        escape(link, &mut out);
        out.push_str("</a>");
        rest = after;
    }
    escape(rest, &mut out);
    out
}

/// Where the next link begins: at a scheme that is followed by a host and not preceded by a letter.
fn link_start(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let starts = lower.match_indices("http").filter(|&(at, _)| {
        let scheme = ["http://", "https://"].into_iter().find(|scheme| lower[at..].starts_with(scheme));
        let host = scheme.and_then(|scheme| lower[at + scheme.len()..].chars().next());
        let before = lower[..at].chars().next_back();
        host.is_some_and(|c| c.is_alphanumeric() || c == '[') && !before.is_some_and(char::is_alphanumeric)
    });
    starts.map(|(at, _)| at).next()
}

/// How long the link at the beginning of the text is, without the punctuation of the sentence around it.
fn link_length(text: &str) -> usize {
    let end = text.find(|c: char| c.is_whitespace() || c.is_control() || "<>\"`".contains(c)).unwrap_or(text.len());
    let mut link = &text[..end];
    loop {
        let unbalanced = link.ends_with(')') && link.matches(')').count() > link.matches('(').count();
        match link.strip_suffix(['.', ',', ';', ':', '!', '?', '\'', ']', '}', '*']) {
            Some(shorter) => link = shorter,
            None if unbalanced => link = &link[..link.len() - 1],
            None => return link.len(),
        }
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_lines_and_nothing_else() {
        assert_eq!(html_from_text("Hi Ines,\r\n\r\n\r\none\ntwo\n"), "<p>Hi Ines,</p>\n<p>one<br>\ntwo</p>\n");
        assert_eq!(html_from_text(" \n\n"), "");
    }

    #[test]
    fn text_never_becomes_markup() {
        assert_eq!(
            html_from_text("<script>alert('x')</script> & \"more\""),
            "<p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;</p>\n"
        );
        for text in ["javascript:alert(1)", "data:text/html,x", "https://", "xhttps://a.example", "http://\"onload=x"] {
            assert!(!html_from_text(text).contains("<a "), "{text}");
        }
        let quoted = html_from_text("https://a.example/\"onmouseover=\"x");
        assert!(quoted.starts_with("<p><a href=\"https://a.example/\">https://a.example/</a>&quot;on"), "{quoted}");
    }

    #[test]
    fn a_link_can_lead_elsewhere_and_still_reads_as_it_was_written() {
        let html = html_with_links("https://a.example and https://b.example/?x=1&y=2", |link| {
            link.contains("b.example").then(|| "https://links.example/c/t?<>\"".to_owned())
        });
        assert_eq!(
            html,
            "<p><a href=\"https://a.example\">https://a.example</a> and \
             <a href=\"https://links.example/c/t?&lt;&gt;&quot;\">https://b.example/?x=1&amp;y=2</a></p>\n"
        );
    }

    #[test]
    fn links_end_where_the_sentence_goes_on() {
        for (text, link) in [
            ("See https://a.example/x?a=1&b=2.", "https://a.example/x?a=1&amp;b=2"),
            ("(see http://a.example/x)", "http://a.example/x"),
            ("https://a.example/wiki/X_(y), too", "https://a.example/wiki/X_(y)"),
            ("HTTPS://A.example!", "HTTPS://A.example"),
            ("<https://a.example/>", "https://a.example/"),
            ("ü https://bücher.example/ü ü", "https://bücher.example/ü"),
        ] {
            let html = html_from_text(text);
            assert!(html.contains(&format!("<a href=\"{link}\">{link}</a>")), "{html}");
        }
        assert_eq!(html_from_text("https://a.example https://b.example").matches("<a ").count(), 2);
    }
}
