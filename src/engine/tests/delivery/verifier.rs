//! A verifier that is not ours: OpenDKIM, which finds keys at the name server of the test.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

static NEXT: AtomicU32 = AtomicU32::new(1);

/// What OpenDKIM says about a mail: `Ok` with its words when the signature holds.
pub fn verify(mime: &[u8], dns: SocketAddr) -> Result<String, String> {
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder: PathBuf = std::env::temp_dir().join(format!("saleswright-dkim-{}-{n}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (mail, resolver, config) = (folder.join("mail"), folder.join("unbound.conf"), folder.join("opendkim.conf"));
    fs::write(&mail, mime).unwrap();
    // Its resolver asks the name server of the test for everything, and checks no signatures of the DNS.
    let forward = format!(
        "server:\n  do-not-query-localhost: no\n  module-config: \"iterator\"\nforward-zone:\n  name: \".\"\n  forward-addr: {}@{}\n",
        dns.ip(),
        dns.port()
    );
    fs::write(&resolver, forward).unwrap();
    fs::write(&config, format!("Mode v\nResolverConfiguration {}\nSyslog no\n", resolver.display())).unwrap();
    let output = Command::new(program()).arg("-v").arg("-t").arg(&mail).arg("-x").arg(&config).output();
    let output = output.expect("OpenDKIM starts: apt-get install opendkim");
    fs::remove_dir_all(&folder).unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if said.contains("verification (s=") && said.contains("succeeded") { Ok(said) } else { Err(said) }
}

fn program() -> &'static Path {
    let usual = Path::new("/usr/sbin/opendkim");
    if usual.exists() { usual } else { Path::new("opendkim") }
}
