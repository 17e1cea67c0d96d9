use super::InboundKind as K;
use super::*;
use crate::EmailAddress;

fn today() -> NaiveDate {
    "2026-11-20".parse().expect("a date")
}

fn mail(subject: &str, text: &str) -> Mail {
    let from = EmailAddress::parse("ines@corvus.example").ok();
    Mail { from, subject: subject.to_owned(), text: text.to_owned(), ..Mail::default() }
}

fn from(address: &str, subject: &str, text: &str) -> Mail {
    Mail { from: EmailAddress::parse(address).ok(), ..mail(subject, text) }
}

fn kind(mail: &Mail) -> K {
    judge(mail, today()).kind
}

#[test]
fn people_are_told_from_programs_by_headers() {
    let reply = mail("Re: Lenses", "Sounds good, call me on Monday.");
    assert_eq!(kind(&reply), K::Reply);
    let auto = |word: &str| Mail { auto_submitted: Some(word.to_owned()), ..reply.clone() };
    assert_eq!(kind(&auto("no")), K::Reply, "RFC 3834 has a word for people, too");
    for word in ["auto-replied", "auto-generated", "auto-replied; owner-email=x"] {
        assert_eq!(kind(&auto(word)), K::AutoReply, "{word}");
    }
    let precedence = |word: &str| Mail { precedence: Some(word.to_owned()), ..reply.clone() };
    assert_eq!(kind(&precedence("bulk")), K::AutoReply);
    assert_eq!(kind(&precedence("auto_reply")), K::AutoReply);
    assert_eq!(kind(&precedence("normal")), K::Reply);
    assert_eq!(kind(&Mail { auto_reply: true, ..reply.clone() }), K::AutoReply);
    assert_eq!(kind(&Mail { no_return_path: true, ..reply }), K::AutoReply);
}

#[test]
fn people_are_told_from_programs_by_subjects() {
    for (subject, expected) in [
        ("Automatic reply: Lenses", K::AutoReply),
        ("Automatische Antwort: Lenses", K::AutoReply),
        ("Réponse automatique : Lenses", K::AutoReply),
        ("Respuesta automática: Lenses", K::AutoReply),
        ("Automatyczna odpowiedź: Lenses", K::AutoReply),
        ("Out of Office: Lenses", K::OutOfOffice),
        ("Abwesenheitsnotiz: Lenses", K::OutOfOffice),
        ("Absence du bureau", K::OutOfOffice),
        ("Fuera de la oficina: Lenses", K::OutOfOffice),
        ("Nieobecność: Lenses", K::OutOfOffice),
        ("Re: Out of office furniture", K::Reply),
        ("Re: Automatic reply", K::Reply),
    ] {
        assert_eq!(kind(&mail(subject, "Thank you.")), expected, "{subject}");
    }
}

#[test]
fn whoever_is_away_comes_back() {
    let away = Mail {
        auto_submitted: Some("auto-replied".into()),
        ..mail("Re: Lenses", "I am out of the office until 4 December.\n\n> We are away until 18 December.")
    };
    let judgement = judge(&away, today());
    assert_eq!((judgement.kind, judgement.confidence), (K::OutOfOffice, Confidence::Sure));
    assert_eq!(judgement.back_on, Some("2026-12-04".parse().expect("a date")), "not the day of the quote");
    let human = mail("Re: Lenses", "I am on vacation until 4 December, let us talk then.");
    assert_eq!(kind(&human), K::Reply, "a person who says so has answered");
}

#[test]
fn short_wishes_are_heard_in_five_languages() {
    for text in [
        "Stop",
        "STOP.",
        "Please stop!",
        "unsubscribe",
        "Please remove me from your list.",
        "Take me off this list",
        "Bitte abmelden",
        "Bitte keine weiteren E-Mails.",
        "Nehmen Sie mich aus Ihrem Verteiler.",
        "Merci de me désinscrire.",
        "Je ne souhaite plus recevoir : ne plus recevoir vos mails",
        "Darme de baja, gracias",
        "Proszę mnie wypisać.",
        "Stop\n-- \nInes Albrecht, Head of Procurement, Corvus Optics, Berlin, Germany",
        "Please don’t contact me again.",
    ] {
        assert_eq!(kind(&mail("Re: Lenses", text)), K::Unsubscribe, "{text}");
    }
    for text in [
        "Please don't stop.",
        "Do not unsubscribe me, I like this.",
        "How do I unsubscribe?",
        "Stop by when you are in Berlin.",
        "We could not stop laughing. The offer is good, but before we talk you should know that we will remove me from all \
         of these processes soon and then somebody else takes over.",
        "Yes.\n\n> unsubscribe",
        "Gerne.\n\nOn Friday Nora Berg wrote:\nUnsubscribe: https://halden.example/p/1\nstop",
    ] {
        assert_eq!(kind(&mail("Re: Lenses", text)), K::Reply, "{text}");
    }
    assert_eq!(judge(&mail("unsubscribe", ""), today()).confidence, Confidence::Sure);
}

#[test]
fn a_token_stands_alone_behind_its_word() {
    let token = "AZqlMJ98cACAAAAAAAAAAX3_-0aB";
    assert_eq!(unsubscribe_token(&format!(" Unsubscribe  {token} ")), Some(token));
    // It is a wish also when it is no token of ours any more.
    assert_eq!(kind(&mail(&format!("unsubscribe {token}"), "")), InboundKind::Unsubscribe);
    let others = ["unsubscribe", "unsubscribe rates", "unsubscribe this/is+no-token-of-anybody", "about unsubscribe"];
    for subject in others.map(str::to_owned).into_iter().chain([format!("unsubscribe {token} now")]) {
        assert_eq!(unsubscribe_token(&subject), None, "{subject}");
    }
}

fn delivery(action: &str, status: &str, diagnostic: &str) -> Mail {
    let fields = format!(
        "Final-Recipient: rfc822; ines@corvus.example\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; {diagnostic}"
    );
    let report = Some(Report::delivery(&fields, "Message-ID: <one@halden.example>"));
    Mail { report, auto_submitted: Some("auto-replied".into()), ..from("mailer-daemon@mx.example", "Failed", "") }
}

#[test]
fn a_report_says_how_far_the_server_has_given_up() {
    for (action, status, words, expected) in [
        ("failed", "5.1.1", "550 5.1.1 no such user", BounceKind::Hard),
        ("failed", "5.2.1", "550 5.2.1 disabled", BounceKind::Hard),
        ("failed", "5.0.0", "550 User unknown", BounceKind::Hard),
        ("failed", "5.7.1", "554 5.7.1 refused by policy", BounceKind::Refused),
        ("failed", "5.2.2", "552 5.2.2 over quota", BounceKind::Refused),
        ("failed", "4.4.7", "expired", BounceKind::Soft),
        ("delayed", "4.4.1", "no answer", BounceKind::Soft),
        ("delayed", "5.0.0", "no answer", BounceKind::Soft),
    ] {
        let judgement = judge(&delivery(action, status, words), today());
        let bounce = judgement.bounce.expect("a bounce");
        assert_eq!((judgement.kind, bounce.kind), (K::Bounce, expected), "{action} {status}");
        assert_eq!(judgement.about.as_deref(), Some("one@halden.example"));
        assert_eq!(judgement.recipient.as_ref().map(EmailAddress::as_str), Some("ines@corvus.example"));
    }
    assert_eq!(kind(&delivery("delivered", "2.0.0", "ok")), K::Other);
}

#[test]
fn a_bounce_in_words_is_one() {
    for (text, status, expected) in [
        ("<ines@corvus.example>: host mx.corvus.example said: 550 5.1.1 User unknown", "5.1.1", BounceKind::Hard),
        ("ines@corvus.example\nSMTP error: 550 No such user here", "550", BounceKind::Hard),
        ("Delivery to ines@corvus.example failed: 554 refused by policy", "554", BounceKind::Refused),
        ("ines@corvus.example: 421 too busy", "421", BounceKind::Soft),
        ("ines@corvus.example: 4.2.2 The mailbox is full", "4.2.2", BounceKind::Soft),
    ] {
        let judgement = judge(&from("mailer-daemon@mx.example", "Returned mail", text), today());
        let bounce = judgement.bounce.expect("a bounce");
        assert_eq!((bounce.status.as_deref(), bounce.kind), (Some(status), expected), "{text}");
        assert_eq!(judgement.recipient.as_ref().map(EmailAddress::as_str), Some("ines@corvus.example"));
    }
    let retried = from("postmaster@mx.example", "Delivery delayed", "We will retry for 3 days.");
    assert_eq!(judge(&retried, today()).bounce.map(|bounce| bounce.kind), Some(BounceKind::Soft));
    let person = mail("Re: Lenses", "Our room is 550, mailer-daemon.");
    assert_eq!(kind(&person), K::Reply);
}

#[test]
fn a_complaint_is_one() {
    let report = Some(Report::feedback("Feedback-Type: abuse", "Message-ID: <one@halden.example>"));
    let judgement = judge(&Mail { report, ..from("fbl@provider.example", "Complaint", "") }, today());
    assert_eq!((judgement.kind, judgement.about.as_deref()), (K::Complaint, Some("one@halden.example")));
}
