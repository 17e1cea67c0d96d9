//! Reads the commands of a client (RFC 5321 section 4.1.1).
//! A line is either a whole, valid command or a reply that says what is wrong with it.

/// A command of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Ehlo,
    Helo,
    Auth { mechanism: String, initial: Option<String> },
    Mail { from: String, size: Option<usize> },
    Rcpt { to: String },
    Data,
    Rset,
    Noop,
    Vrfy,
    Help,
    Quit,
}

const UNKNOWN: &str = "500 5.5.2 Unknown command";
const NO_ARGUMENT: &str = "501 5.5.4 This command takes no argument";
const BAD_PATH: &str = "501 5.1.7 Write the address between angle brackets";
const BAD_PARAMETER: &str = "555 5.5.4 Unknown parameter";

/// Reads one line, without its line end.
pub(super) fn parse(line: &str) -> Result<Command, &'static str> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let argument = rest.trim();
    let alone = |command| if argument.is_empty() { Ok(command) } else { Err(NO_ARGUMENT) };
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" if argument.is_empty() => Err("501 5.5.4 Say who you are"),
        "EHLO" => Ok(Command::Ehlo),
        "HELO" if argument.is_empty() => Err("501 5.5.4 Say who you are"),
        "HELO" => Ok(Command::Helo),
        "AUTH" => auth(argument),
        "MAIL" => mail(argument),
        "RCPT" => rcpt(argument),
        "DATA" => alone(Command::Data),
        "RSET" => alone(Command::Rset),
        "QUIT" => alone(Command::Quit),
        "NOOP" => Ok(Command::Noop),
        "HELP" => Ok(Command::Help),
        "VRFY" if argument.is_empty() => Err("501 5.5.4 Whom?"),
        "VRFY" => Ok(Command::Vrfy),
        _ => Err(UNKNOWN),
    }
}

fn auth(argument: &str) -> Result<Command, &'static str> {
    let mut words = argument.split_whitespace();
    let mechanism = words.next().ok_or("501 5.5.4 Which mechanism?")?.to_ascii_uppercase();
    let initial = words.next().map(str::to_owned);
    match words.next() {
        None => Ok(Command::Auth { mechanism, initial }),
        Some(_) => Err("501 5.5.4 Too many words"),
    }
}

fn mail(argument: &str) -> Result<Command, &'static str> {
    let (from, parameters) = path(argument, "FROM:")?;
    if !from.is_empty() && !is_address(from) {
        return Err("501 5.1.7 This is not an address");
    }
    let mut size = None;
    for parameter in parameters.split_whitespace() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.to_ascii_uppercase().as_str() {
            "SIZE" => size = Some(value.parse().map_err(|_| "501 5.5.4 SIZE is a number")?),
            "BODY" if ["7BIT", "8BITMIME"].iter().any(|body| body.eq_ignore_ascii_case(value)) => {}
            "SMTPUTF8" if value.is_empty() => {}
            // RFC 4954 section 5: who wrote it first; the sandbox trusts only who signed in.
            "AUTH" => {}
            _ => return Err(BAD_PARAMETER),
        }
    }
    Ok(Command::Mail { from: from.to_owned(), size })
}

fn rcpt(argument: &str) -> Result<Command, &'static str> {
    let (to, parameters) = path(argument, "TO:")?;
    if !is_address(to) {
        return Err("501 5.1.3 This is not an address");
    }
    if !parameters.trim().is_empty() {
        return Err(BAD_PARAMETER);
    }
    Ok(Command::Rcpt { to: to.to_owned() })
}

/// The address between the brackets, and what follows them.
fn path<'a>(argument: &'a str, keyword: &str) -> Result<(&'a str, &'a str), &'static str> {
    let has_keyword = argument.get(..keyword.len()).is_some_and(|found| found.eq_ignore_ascii_case(keyword));
    let rest = if has_keyword { &argument[keyword.len()..] } else { return Err("501 5.5.4 Syntax error") };
    let rest = rest.trim_start().strip_prefix('<').ok_or(BAD_PATH)?;
    let (address, parameters) = rest.split_at(rest.find('>').ok_or(BAD_PATH)?);
    let parameters = &parameters[1..];
    if parameters.is_empty() || parameters.starts_with(' ') { Ok((address, parameters)) } else { Err(BAD_PATH) }
}

/// One `local@domain` within the lengths of section 4.5.3.1; quoted local parts are not worth having here.
fn is_address(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    (1..=64).contains(&local.len())
        && (1..=255).contains(&domain.len())
        && address.len() <= 254
        && !domain.contains('@')
        && !address.chars().any(|c| c.is_control() || c.is_whitespace() || "<>()\",;\\".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_in_any_case() {
        assert_eq!(parse("ehlo [127.0.0.1]"), Ok(Command::Ehlo));
        assert_eq!(parse("Mail From:<> "), Ok(Command::Mail { from: String::new(), size: None }));
        assert_eq!(
            parse("MAIL FROM:<a@b.example> SIZE=12 BODY=8BITMIME SMTPUTF8 AUTH=<>"),
            Ok(Command::Mail { from: "a@b.example".into(), size: Some(12) })
        );
        assert_eq!(parse("RCPT TO: <ü@b.example>"), Ok(Command::Rcpt { to: "ü@b.example".into() }));
        assert_eq!(
            parse("auth plain AGEAYg=="),
            Ok(Command::Auth { mechanism: "PLAIN".into(), initial: Some("AGEAYg==".into()) })
        );
        assert_eq!(parse("NOOP anything"), Ok(Command::Noop));
        assert_eq!(parse("quit"), Ok(Command::Quit));
    }

    #[test]
    fn anything_else_gets_a_reply() {
        for (line, code) in [
            ("", "500"),
            ("HELLO x", "500"),
            ("STARTTLS", "500"),
            ("EHLO", "501"),
            ("DATA now", "501"),
            ("AUTH", "501"),
            ("MAIL a@b", "501"),
            ("MAIL FROM:a@b", "501"),
            ("MAIL FROM:<a@b", "501"),
            ("MAIL FROM:<a b@c>", "501"),
            ("MAIL FROM:<a@b>SIZE=1", "501"),
            ("MAIL FROM:<a@b> SIZE=x", "501"),
            ("MAIL FROM:<a@b> FOO=1", "555"),
            ("RCPT TO:<>", "501"),
            ("RCPT TO:<a>", "501"),
            ("RCPT TO:<a@b@c>", "501"),
            ("RCPT TO:<a@b> X=1", "555"),
            ("RCPT FROM:<a@b>", "501"),
            ("VRFY", "501"),
        ] {
            assert!(parse(line).unwrap_err().starts_with(code), "{line:?}");
        }
    }
}
