//! The words by which mails are told apart, in small letters: English, German, French, Spanish and Polish. A word
//! that people also use when they answer is not among them.

/// How subjects of automatic replies begin.
pub(super) const AUTO_SUBJECTS: [&str; 14] = [
    "automatic reply",
    "auto reply",
    "auto-reply",
    "autoreply",
    "auto response",
    "automatische antwort",
    "automatische rückantwort",
    "réponse automatique",
    "reponse automatique",
    "respuesta automática",
    "respuesta automatica",
    "automatyczna odpowiedź",
    "odpowiedź automatyczna",
    "autoodpowiedź",
];
/// How those of people who are away begin.
pub(super) const AWAY_SUBJECTS: [&str; 15] = [
    "out of office",
    "out of the office",
    "ooo:",
    "on vacation",
    "abwesenheit",
    "abwesend",
    "automatische abwesenheit",
    "nicht im büro",
    "absence du bureau",
    "absent du bureau",
    "absence",
    "fuera de la oficina",
    "fuera de oficina",
    "poza biurem",
    "nieobecność",
];
/// What the texts of people who are away say.
pub(super) const AWAY_WORDS: [&str; 31] = [
    "out of office",
    "out of the office",
    "on vacation",
    "on holiday",
    "on leave",
    "annual leave",
    "maternity leave",
    "parental leave",
    "away from",
    "i am away",
    "i'm away",
    "abwesend",
    "abwesenheit",
    "nicht im büro",
    "im urlaub",
    "nicht erreichbar",
    "elternzeit",
    "außer haus",
    "absent",
    "en congé",
    "en vacances",
    "hors du bureau",
    "fuera de la oficina",
    "de vacaciones",
    "ausente",
    "de baja",
    "nieobecn",
    "na urlopie",
    "urlopie",
    "poza biurem",
    "out until",
];
/// How subjects of servers that give up begin.
pub(super) const BOUNCE_SUBJECTS: [&str; 14] = [
    "undelivered mail returned",
    "delivery status notification",
    "mail delivery failed",
    "mail delivery failure",
    "mail delivery system",
    "undeliverable",
    "undelivered",
    "unzustellbar",
    "returned mail",
    "failure notice",
    "delivery failure",
    "delivery delayed",
    "warning: message",
    "delivery has failed",
];
/// Local parts of addresses that such mails come from.
pub(super) const SERVERS: [&str; 3] = ["mailer-daemon", "postmaster", "mail-daemon"];
/// Words for an address that is not there.
pub(super) const NO_SUCH_USER: [&str; 9] = [
    "user unknown",
    "unknown user",
    "no such user",
    "does not exist",
    "no such recipient",
    "mailbox not found",
    "invalid recipient",
    "no mailbox here",
    "unknown recipient",
];
/// Words for a server that goes on trying.
pub(super) const DELAYED: [&str; 5] =
    ["will retry", "will be retried", "delayed", "not yet been delivered", "keep trying"];

/// One or two words that are the whole mail of somebody who wants no more of them.
pub(super) const STOP: [&str; 18] = [
    "stop",
    "stop please",
    "please stop",
    "unsubscribe",
    "unsubscribe me",
    "please unsubscribe",
    "remove",
    "opt out",
    "abmelden",
    "bitte abmelden",
    "austragen",
    "stopp",
    "désinscription",
    "stop merci",
    "baja",
    "rezygnuję",
    "wypisz",
    "wypisz mnie",
];
/// The same inside of a short sentence.
pub(super) const STOP_WORDS: [&str; 32] = [
    "unsubscribe",
    "remove me",
    "take me off",
    "opt me out",
    "opt out",
    "stop emailing",
    "stop e-mailing",
    "stop sending",
    "stop contacting",
    "no more e-mail",
    "no more email",
    "do not contact me",
    "don't contact me",
    "do not email me",
    "abmelden",
    "austragen",
    "keine weiteren e-mails",
    "keine weiteren mails",
    "keine mails mehr",
    "keine e-mails mehr",
    "aus dem verteiler",
    "aus ihrem verteiler",
    "nicht mehr kontaktieren",
    "désabonner",
    "désinscrire",
    "ne plus recevoir",
    "ne me contactez plus",
    "darme de baja",
    "dame de baja",
    "no me escriba",
    "wypisać",
    "wypisz mnie",
];
/// What turns such a sentence around.
pub(super) const NOT_STOP: [&str; 5] =
    ["don't unsubscribe", "do not unsubscribe", "not unsubscribe", "don't stop", "nicht abmelden"];
