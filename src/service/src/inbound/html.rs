//! A mail as its sender has laid it out, for a frame that runs nothing. What acts, or fetches something, is taken out
//! here, and the frame forbids it once more: neither trusts the other.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
};

use ammonia::{Builder, UrlRelative};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders};

/// Most characters that the pictures of a mail take in its HTML: one may be named a thousand times.
const MOST_PICTURES: usize = 1024 * 1024;
/// Kinds of pictures that are shown. A drawing (SVG) can do more than a picture has to.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/// Elements that go with everything in them.
const NEVER: [&str; 14] = [
    "audio", "embed", "iframe", "math", "noembed", "noframes", "noscript", "object", "select", "svg", "template",
    "textarea", "title", "video",
];
/// Attributes by which mails are laid out, on any element.
const ATTRIBUTES: [&str; 15] = [
    "align",
    "bgcolor",
    "border",
    "cellpadding",
    "cellspacing",
    "color",
    "dir",
    "face",
    "height",
    "nowrap",
    "size",
    "start",
    "style",
    "valign",
    "width",
];
/// What a style may say. Nothing leaves its place, so nothing lies over something else.
const STYLES: [&str; 54] = [
    "background",
    "background-color",
    "border",
    "border-bottom",
    "border-bottom-color",
    "border-bottom-style",
    "border-bottom-width",
    "border-collapse",
    "border-color",
    "border-left",
    "border-radius",
    "border-right",
    "border-spacing",
    "border-style",
    "border-top",
    "border-width",
    "color",
    "direction",
    "display",
    "float",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-height",
    "max-width",
    "min-width",
    "opacity",
    "overflow",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "text-indent",
    "text-transform",
    "vertical-align",
    "visibility",
    "white-space",
    "width",
    "word-break",
];
/// By these a style fetches something, or hides that it does.
const FETCHES: [&str; 5] = ["url(", "image-set(", "src(", "\\", "@"];

/// The HTML of a mail, made harmless; of a mail without any, its text. Pictures that came with it are in it, those on
/// the servers of others are named only with `remote`. Nothing when it breaks its reader.
pub(crate) fn html_of(raw: &[u8], remote: bool) -> Option<String> {
    let read = || {
        let message = MessageParser::default().parse(raw)?;
        let html: String = (0..message.html_body_count()).filter_map(|place| message.body_html(place)).collect();
        Some(harmless(&html, pictures(&message), remote))
    };
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

/// The pictures that came with a mail, each as an address that holds it, by the ids by which its HTML names them.
fn pictures(message: &Message<'_>) -> HashMap<String, String> {
    let of = |part: &MessagePart<'_>| {
        let id = part.content_id()?.trim_matches(['<', '>']).to_owned();
        let kind = part.content_type()?;
        let kind = format!("{}/{}", kind.ctype(), kind.subtype()?).to_ascii_lowercase();
        let shown = PICTURES.contains(&kind.as_str());
        shown.then(|| (id, format!("data:{kind};base64,{}", STANDARD.encode(part.contents()))))
    };
    message.parts.iter().filter_map(of).collect()
}

fn harmless(html: &str, pictures: HashMap<String, String>, remote: bool) -> String {
    let room = Mutex::new(MOST_PICTURES);
    Builder::default()
        .add_tags(["font", "tfoot"])
        .add_clean_content_tags(NEVER)
        .add_generic_attributes(ATTRIBUTES)
        .filter_style_properties(HashSet::from(STYLES))
        .url_schemes(HashSet::from(["cid", "data", "http", "https", "mailto", "tel"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_value("a", "target", "_blank")
        .attribute_filter(move |_, attribute, value| kept(attribute, value, &pictures, &room, remote))
        .clean(html)
        .to_string()
}

/// What becomes of an attribute that may stand where it is.
fn kept<'v>(
    attribute: &str,
    value: &'v str,
    pictures: &HashMap<String, String>,
    room: &Mutex<usize>,
    remote: bool,
) -> Option<Cow<'v, str>> {
    let (scheme, rest) = value.trim().split_once(':').unwrap_or_default();
    let stays = match (attribute, scheme.to_ascii_lowercase().as_str()) {
        ("href", "http" | "https" | "mailto" | "tel") => true,
        ("src", "https") => remote,
        ("src", "data") => PICTURES.iter().any(|kind| begins_with(rest, kind)),
        ("src", "cid") => return picture(pictures.get(rest)?, room),
        ("href" | "src", _) => false,
        ("style", _) => {
            let style = value.to_ascii_lowercase();
            !FETCHES.iter().any(|word| style.contains(word))
        }
        _ => true,
    };
    stays.then_some(Cow::Borrowed(value))
}

fn begins_with(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// A picture that came with the mail, while there is room for it.
fn picture(picture: &str, room: &Mutex<usize>) -> Option<Cow<'static, str>> {
    let mut room = room.lock().ok()?;
    *room = room.checked_sub(picture.len())?;
    Some(Cow::Owned(picture.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(html: &str) -> Vec<u8> {
        let head = "From: ines@corvus.example\r\nSubject: Plan\r\nMIME-Version: 1.0\r\n";
        format!("{head}Content-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n").into_bytes()
    }

    fn shown(html: &str, remote: bool) -> String {
        html_of(&mail(html), remote).expect("it can be read")
    }

    #[test]
    fn nothing_that_acts_survives() {
        for html in [
            "<script>alert(1)</script>",
            "<scr<script>ipt>alert(1)</scr</script>ipt>",
            "<b onclick=alert(1)>x</b><img src=x onerror=alert(1)>",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<a href=\" jAva\tscript:alert(1)\">x</a>",
            "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
            "<a href=\"vbscript:alert(1)\" ping=\"https://evil.example\">x</a>",
            "<form action=\"https://evil.example\"><input name=code><button formaction=\"https://evil.example\">x</button></form>",
            "<meta http-equiv=refresh content=\"0;url=https://evil.example\">",
            "<base href=\"https://evil.example/\"><a href=\"there\">x</a>",
            "<svg onload=alert(1)><script>alert(1)</script><a xlink:href=\"javascript:alert(1)\">x</a></svg>",
            "<svg><style><img src=x onerror=alert(1)></style></svg>",
            "<svg><desc><img src=x onerror=alert(1)></desc></svg>",
            "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
            "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe><object data=\"https://evil.example\"></object>",
            "<template><script>alert(1)</script></template><noscript><script>alert(1)</script></noscript>",
            "<p style=\"width:expression(alert(1))\">x</p>",
            "<!--[if mso]><script>alert(1)</script><![endif]-->",
        ] {
            for remote in [false, true] {
                let left = shown(html, remote).to_lowercase();
                for word in ["<script", "onerror=", "onclick=", "onload=", "javascript:", "vbscript:"] {
                    assert!(!left.contains(word), "{html}: {left}");
                }
                for word in
                    ["<form", "<input", "<meta", "<base", "<svg", "<math", "<iframe", "<object", "<!--", "evil."]
                {
                    assert!(!left.contains(word), "{html}: {left}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_fetched() {
        for html in [
            "<img src=\"https://evil.example/a.gif\" srcset=\"https://evil.example/b.gif 2x\">",
            "<img src=\"//evil.example/a.gif\"><img src=\"http://evil.example/a.gif\">",
            "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='https://evil.example'/></svg>\">",
            "<link rel=stylesheet href=\"https://evil.example/a.css\">",
            "<style>@import 'https://evil.example/a.css'; p { background: url(https://evil.example/a.gif) }</style><p>x</p>",
            "<p style=\"color:red;background:url(https://evil.example/a.gif)\">x</p>",
            "<p style=\"background:u\\72l(https://evil.example/a.gif)\">x</p>",
            "<p style=\"background:image-set('https://evil.example/a.gif' 1x)\">x</p>",
            "<p style=\"list-style:URL( 'https://evil.example/a.gif' )\">x</p>",
            "<table background=\"https://evil.example/a.gif\"><tr><td background=\"https://evil.example/a.gif\">x</table>",
            "<video poster=\"https://evil.example/a.gif\" src=\"https://evil.example/a.mp4\"></video>",
            "<noscript><img src=\"https://evil.example/a.gif\"></noscript>",
        ] {
            let left = shown(html, false);
            assert!(!left.contains("evil.example"), "{html}: {left}");
        }
        // Whoever asks for the pictures gets those, and nothing else.
        let asked =
            shown("<img src=\"https://evil.example/a.gif\"><p style=\"background:url(https://evil.example/b)\">", true);
        assert_eq!(asked.matches("evil.example").count(), 1, "{asked}");
        assert!(!shown("<img src=\"http://evil.example/a.gif\">", true).contains("evil.example"));
    }

    #[test]
    fn what_is_harmless_stays() {
        let html = "<html><head><title>Offer</title></head><body><p style=\"color:red\">Hello <b>Nora</b></p>\
                    <table bgcolor=\"#eeeeee\" width=\"600\"><tr><td align=\"center\">One</td></tr></table>\
                    <font color=\"blue\">two</font><img src=\"https://x.example/logo.png\" alt=\"Logo\" width=\"20\">\
                    <a href=\"https://x.example/?a=1&amp;b=2\">three</a></body></html>";
        let left = shown(html, false);
        for word in [
            "color:red",
            "<b>Nora</b>",
            "bgcolor=\"#eeeeee\"",
            "align=\"center\"",
            "<font color=\"blue\">",
            "alt=\"Logo\"",
            "href=\"https://x.example/?a=1&amp;b=2\"",
            "target=\"_blank\"",
            "rel=\"noopener noreferrer nofollow\"",
        ] {
            assert!(left.contains(word), "{word}: {left}");
        }
        assert!(!left.contains("Offer") && !left.contains("logo.png"), "{left}");
    }

    #[test]
    fn pictures_that_came_with_it_are_in_it_while_there_is_room() {
        let mail = |html: &str, picture: &[u8]| {
            format!(
                "From: ines@corvus.example\r\nSubject: Plan\r\nMIME-Version: 1.0\r\n\
                 Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n{html}\r\n--b\r\n\
                 Content-Type: image/png\r\nContent-ID: <logo@corvus>\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b\r\n\
                 Content-Type: image/svg+xml\r\nContent-ID: <drawing@corvus>\r\n\r\n<svg/>\r\n--b--\r\n",
                STANDARD.encode(picture)
            )
        };
        let html = "<img src=\"cid:logo@corvus\"><img src=\"cid:drawing@corvus\"><img src=\"cid:nobody@corvus\">";
        let left = html_of(mail(html, b"png").as_bytes(), false).expect("it can be read");
        assert!(left.contains("<img src=\"data:image/png;base64,cG5n\">"), "{left}");
        assert_eq!(left.matches("src=").count(), 1, "{left}");

        // Each takes 133,358 characters of 1,048,576.
        let often = "<img src=\"cid:logo@corvus\">".repeat(100);
        let left = html_of(mail(&often, &[7; 100_000]).as_bytes(), false).expect("it can be read");
        assert_eq!(left.matches("data:image/png").count(), 7);
    }

    #[test]
    fn a_mail_without_html_is_its_text() {
        let raw = b"From: ines@corvus.example\r\nSubject: Plan\r\n\r\nLess < more.\r\n";
        let left = html_of(raw, false).expect("it can be read");
        assert!(left.contains("Less &lt; more."), "{left}");
    }
}
