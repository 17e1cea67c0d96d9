//! A company with a mailbox at `halden.example`, and the DNS that its domain has.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use domain::{
    CampaignId, DomainId, MailboxId,
    campaigns::{Audience, CampaignInput, Rules},
    domains::{RecordCheck, RecordKind, SendingDomain, Signer, SigningInput, Standing},
    leads::{LeadFilter, LeadInput},
    mailboxes::{MailboxInput, MailboxKind, Security},
    messages::SendOutcome,
    steps::{Delay, StepInput},
    window::SendingWindow,
};
use service::{
    Db,
    campaigns::advance::advance,
    jobs::CheckDomain,
    messages::{Claimed, Ready, claim::claim_next},
};
use testing::{TestCompany, TestDb, dns::Record};

/// The domain of the mailbox.
pub const DOMAIN: &str = "halden.example";

/// What a domain should have, besides its key.
pub const GOOD: [Record<'static>; 4] = [
    ("TXT", DOMAIN, "v=spf1 include:_spf.relay.example ip4:192.0.2.1 ~all"),
    ("TXT", "_spf.relay.example", "v=spf1 ip4:192.0.2.0/24 a:out.relay.example -all"),
    ("TXT", "_dmarc.halden.example", "v=DMARC1; p=quarantine"),
    ("MX", DOMAIN, "10 mx.halden.example"),
];

/// The company.
pub struct Desk<'d> {
    pub db: Db,
    pub company: TestCompany<'d>,
    pub mailbox: MailboxId,
}

impl<'d> Desk<'d> {
    /// With a mailbox whose server listens on `port` of this machine.
    pub async fn at(test: &'d TestDb, dns: SocketAddr, port: u16) -> Self {
        Self::with_server(test, test.with_dns(dns, "https://sales.halden.example"), (DOMAIN, "127.0.0.1", port)).await
    }

    /// With a mailbox of a domain at a server.
    pub async fn with_server(test: &'d TestDb, db: Db, (domain, host, port): (&str, &str, u16)) -> Self {
        let company = test.company("Halden").await;
        let mut t = db.tenant(&company.owner).await.unwrap();
        let input = MailboxInput {
            kind: Some(MailboxKind::Smtp),
            from_name: Some("Nora Berg".into()),
            address: Some(format!("nora@{domain}")),
            host: Some(host.into()),
            port: Some(port.into()),
            security: Some(Security::None),
            gap_seconds: Some(0),
            ..MailboxInput::default()
        };
        let mailbox = t.mailboxes().create(input).await.unwrap().id;
        t.commit().await.unwrap();
        Self { db, company, mailbox }
    }

    /// The only domain.
    pub async fn domain(&self) -> SendingDomain {
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        let mut domains = t.domains().list().await.unwrap();
        assert_eq!(domains.len(), 1, "{domains:?}");
        domains.remove(0)
    }

    /// Signs with a new key, whose record is the answer.
    pub async fn make_key(&self) -> (String, String) {
        let id = self.domain().await.id;
        let input = SigningInput { signer: Signer::NewKey, selector: None, private_key: None };
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        let domain = t.domains().set_signing(id, input, None).await.unwrap();
        t.commit().await.unwrap();
        let record = domain.key_record.unwrap();
        (record.name, record.value)
    }

    /// Checks the domain, as a worker does.
    pub async fn check(&self) -> SendingDomain {
        let domain: DomainId = self.domain().await.id;
        engine::domains::check(&self.db, &CheckDomain { company: self.company.id, domain }).await.unwrap();
        self.domain().await
    }
}

/// What was found about one kind.
pub fn of(domain: &SendingDomain, kind: RecordKind) -> &RecordCheck {
    domain.records.iter().find(|record| record.kind == kind).unwrap()
}

/// How each record stands.
pub fn standings(domain: &SendingDomain) -> Vec<(RecordKind, Standing)> {
    domain.records.iter().map(|record| (record.kind, record.standing)).collect()
}

impl Desk<'_> {
    /// Two e-mails of a campaign that are being handed over.
    pub async fn claim(&self) -> Vec<Claimed> {
        self.campaign(&["a@lark.example", "b@lark.example"]).await;
        let claimed = claim_next(&self.db).await.unwrap().unwrap();
        for one in &claimed {
            let mut t = self.db.tenant(&self.company.owner).await.unwrap();
            assert_eq!(t.messages().begin(&[Ready::new(one, "Hello", b"x", "nowhere:25")]).await.unwrap(), [true]);
            t.commit().await.unwrap();
        }
        claimed
    }

    /// Records what a server said.
    pub async fn record(&self, claimed: &Claimed, outcome: &SendOutcome) {
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        t.messages().record(claimed.id, claimed.token, outcome).await.unwrap();
        t.commit().await.unwrap();
    }

    /// A campaign of one step to these, started. The domain counts as good.
    pub async fn campaign(&self, to: &[&str]) -> CampaignId {
        self.campaign_of(vec![self.mailbox], Rules::default(), to).await
    }

    /// The same from other mailboxes.
    pub async fn campaign_from(&self, mailboxes: Vec<MailboxId>, to: &[&str]) -> CampaignId {
        self.campaign_of(mailboxes, Rules::default(), to).await
    }

    /// The same with rules.
    pub async fn campaign_with(&self, to: &[&str], rules: Rules) -> CampaignId {
        self.campaign_of(vec![self.mailbox], rules, to).await
    }

    async fn campaign_of(&self, mailboxes: Vec<MailboxId>, rules: Rules, to: &[&str]) -> CampaignId {
        testing::let_domains_pass(&self.db, &self.company.owner).await;
        let leads = to.iter().map(|to| LeadInput { email: Some((*to).to_owned()), ..LeadInput::default() }).collect();
        let mut t = self.db.tenant(&self.company.owner).await.unwrap();
        t.leads().bulk_upsert(leads).await.unwrap();
        let input = CampaignInput {
            name: Some("Signed".into()),
            audience: Some(Audience::Filter { filter: LeadFilter::default() }),
            window: Some(SendingWindow::always()),
            rules: Some(rules),
            mailboxes: Some(mailboxes),
        };
        let id = t.campaigns().create(input).await.unwrap().id;
        let step = StepInput {
            delay: Some(Delay::NONE),
            subject: Some("Grüße aus Halden".into()),
            body: Some("Hi there.\n\n.A line with a dot.\n\nÜber uns: https://halden.example".into()),
            ..StepInput::default()
        };
        t.campaigns().add_step(id, step).await.unwrap();
        t.campaigns().start(id).await.unwrap();
        t.commit().await.unwrap();
        advance(&self.db, self.company.id, id).await.unwrap();
        id
    }
}

static NEXT: AtomicU32 = AtomicU32::new(1);

/// Postfix's `smtp-sink`, which writes every mail into a file.
pub struct Sink {
    process: Child,
    folder: PathBuf,
    pub address: SocketAddr,
}

impl Sink {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, which refuses a command for good.
    pub fn that_refuses(command: &str, reply: &str) -> Self {
        Self::start_with(&["-f", command, "-B", reply])
    }

    fn start_with(options: &[&str]) -> Self {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("saleswright-sink-{}-{n}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        // It gives up the rights of root, and must be able to write.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).unwrap();
        let usual = Path::new("/usr/sbin/smtp-sink");
        let mut command = Command::new(if usual.exists() { usual } else { Path::new("smtp-sink") });
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        command.args(options).arg("-d").arg(folder.join("mail.")).args([&address.to_string(), "100"]);
        let process = command.stdin(Stdio::null()).spawn().expect("smtp-sink starts: apt-get install postfix");
        let sink = Self { process, folder, address };
        for _ in 0..1_000 {
            if TcpStream::connect(address).is_ok() {
                return sink;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("smtp-sink does not listen on {address}");
    }

    /// The only mail, as it came over the wire. What the sink writes about the conversation stands before it.
    pub fn only_mail(&self) -> String {
        let files: Vec<_> = fs::read_dir(&self.folder).unwrap().map(|file| file.unwrap().path()).collect();
        let mails: Vec<_> = files
            .iter()
            .map(|file| fs::read_to_string(file).unwrap())
            .filter(|mail| mail.contains("X-Rcpt-Args"))
            .collect();
        assert_eq!(mails.len(), 1, "{mails:?}");
        let begin = mails[0].find("DKIM-Signature:").expect("it is signed");
        mails[0][begin..].trim_end_matches('\n').replace('\n', "\r\n") + "\r\n"
    }

    pub fn forget(&self) {
        for file in fs::read_dir(&self.folder).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
        let _left = fs::remove_dir_all(&self.folder);
    }
}
