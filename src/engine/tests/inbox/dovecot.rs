//! An IMAP server that is not ours: Dovecot, on a free port, with a folder of its own and one user.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::rustls::pki_types::CertificateDer;

/// Who signs in.
pub const USER: &str = "nora";
/// With what.
pub const PASSWORD: &str = "opensesame";

static NEXT: AtomicU32 = AtomicU32::new(1);

/// The running server and its folder.
pub struct Dovecot {
    process: Child,
    folder: PathBuf,
    pub address: SocketAddr,
}

impl Dovecot {
    pub fn start() -> Self {
        Self::start_with(|_| "ssl = no\n".to_owned(), "imap", "imaps")
    }

    /// The same without IDLE.
    pub fn start_that_tells_nothing() -> Self {
        Self::start_with(|_| "ssl = no\nimap_capability = IMAP4rev1\n".to_owned(), "imap", "imaps")
    }

    /// The same, which says of the folder with this name that it is for junk mail (RFC 6154).
    pub fn start_that_marks(junk: &str) -> Self {
        let junk = format!("mailbox {junk} {{\n    special_use = \\Junk\n  }}");
        let folders = format!("namespace inbox {{\n  inbox = yes\n  {junk}\n}}\n");
        Self::start_with(|_| format!("ssl = no\n{folders}"), "imap", "imaps")
    }

    /// The same with TLS from the first octet; whoever trusts the second value may sign in.
    pub fn start_encrypted() -> (Self, CertificateDer<'static>) {
        Self::start_certified("imaps", "imap")
    }

    /// The same with TLS when it is asked for, and no sign-in before.
    pub fn start_that_encrypts() -> (Self, CertificateDer<'static>) {
        Self::start_certified("imap", "imaps")
    }

    fn start_certified(listener: &str, other: &str) -> (Self, CertificateDer<'static>) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let (chain, key) = (pem("CERTIFICATE", cert.der()), pem("PRIVATE KEY", &signing_key.serialize_der()));
        let ssl = |folder: &Path| {
            let (chain_file, key_file) = (folder.join("chain.pem"), folder.join("key.pem"));
            fs::write(&chain_file, &chain).expect("written");
            fs::write(&key_file, &key).expect("written");
            format!("ssl = required\nssl_cert = <{}\nssl_key = <{}\n", chain_file.display(), key_file.display())
        };
        let server = Self::start_with(ssl, listener, other);
        (server, cert.der().clone())
    }

    /// Listens as `listener` and not as `other`.
    fn start_with(ssl: impl FnOnce(&Path) -> String, listener: &str, other: &str) -> Self {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("saleswright-imap-{}-{n}", std::process::id()));
        for part in ["run", "state", "mail/new", "mail/cur", "mail/tmp"] {
            fs::create_dir_all(folder.join(part)).expect("a folder");
        }
        let address = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
        let file = folder.join("dovecot.conf");
        fs::write(&file, config(&folder, address.port(), &ssl(&folder), listener, other)).expect("written");
        open_to_all(&folder);
        let process = Command::new(program())
            .args(["-F", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("Dovecot starts: apt-get install dovecot-imapd");
        let server = Self { process, folder, address };
        for _ in 0..1_000 {
            if TcpStream::connect(address).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("Dovecot does not listen: {}", fs::read_to_string(server.folder.join("log")).unwrap_or_default());
    }

    /// Puts a mail into the INBOX, as a delivery agent does: written aside, then moved.
    pub fn deliver(&self, raw: &str) {
        Self::put_into(&self.folder.join("mail"), raw);
    }

    /// Puts a mail into a folder beside the INBOX.
    pub fn put(&self, name: &str, raw: &str) {
        Self::put_into(&self.folder.join("mail").join(format!(".{name}")), raw);
    }

    fn put_into(folder: &Path, raw: &str) {
        let name = format!("{}.saleswright", NEXT.fetch_add(1, Ordering::Relaxed));
        let (aside, there) = (folder.join("tmp").join(&name), folder.join("new").join(&name));
        fs::write(&aside, raw.replace('\n', "\r\n")).expect("written");
        give_away(&aside);
        fs::rename(aside, there).expect("delivered");
    }

    /// Makes a folder beside the INBOX, as Maildir++ has them.
    pub fn make_folder(&self, name: &str) {
        let folder = self.folder.join("mail").join(format!(".{name}"));
        for part in ["new", "cur", "tmp"] {
            fs::create_dir_all(folder.join(part)).expect("a folder");
            give_away(&folder.join(part));
        }
        give_away(&folder);
    }

    /// Forgets which uids the mails have, as a server does that was restored from a copy.
    pub fn count_anew(&self) {
        for entry in fs::read_dir(self.folder.join("mail")).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.is_file() {
                fs::remove_file(path).expect("removed");
            }
        }
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Its children end with it when it is asked to end, not when it is killed.
        if let Some(pid) = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _status = self.process.wait();
        let _left = fs::remove_dir_all(&self.folder);
    }
}

fn config(folder: &Path, port: u16, ssl: &str, listener: &str, other: &str) -> String {
    let folder = folder.display();
    let (own, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let name = |program: &str, id: u32| {
        let found = Command::new("getent").args([program, &id.to_string()]).output().expect("getent runs");
        String::from_utf8_lossy(&found.stdout).split(':').next().unwrap_or_default().to_owned()
    };
    // As root it insists on others; as anybody else it can be nobody else.
    let (user, group, uid, gid) = if own.is_root() {
        ("nobody".to_owned(), "nogroup".to_owned(), NOBODY, NOBODY)
    } else {
        let (uid, gid) = (own.as_raw(), group.as_raw());
        (name("passwd", uid), name("group", gid), uid, gid)
    };
    let encrypted = if listener == "imaps" { "yes" } else { "no" };
    format!(
        "protocols = imap\nbase_dir = {folder}/run\nstate_dir = {folder}/state\nlog_path = {folder}/log\nlisten = 127.0.0.1\n\
         {ssl}disable_plaintext_auth = no\nmail_location = maildir:{folder}/mail\nfirst_valid_uid = 1\n\
         auth_failure_delay = 0\ndefault_internal_user = {user}\ndefault_login_user = {user}\n\
         default_internal_group = {group}\n\
         passdb {{\n  driver = static\n  args = user={USER} password={PASSWORD}\n}}\n\
         userdb {{\n  driver = static\n  args = uid={uid} gid={gid} home={folder}\n}}\n\
         service imap-login {{\n  chroot =\n  inet_listener {listener} {{\n    port = {port}\n    ssl = {encrypted}\n  }}\n  inet_listener {other} {{\n    port = 0\n  }}\n}}\n\
         service anvil {{\n  chroot =\n}}\nservice stats {{\n  chroot =\n}}\n"
    )
}

/// The user of the same name on Debian.
const NOBODY: u32 = 65_534;

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn give_away(path: &Path) {
    if rustix::process::geteuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("given away");
    }
}

fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("open");
    for part in ["state", "mail", "mail/new", "mail/cur", "mail/tmp"] {
        give_away(&folder.join(part));
    }
}

fn program() -> &'static Path {
    let usual = Path::new("/usr/sbin/dovecot");
    if usual.exists() { usual } else { Path::new("dovecot") }
}
