//! The command line.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use domain::{Role, keys::Scope};
use engine::{
    mail::smtp::{Credentials, Password, Security, SmtpServer},
    sandbox::{DbStore, Sandbox, SandboxLimits},
    worker::{SystemMailServer, SystemPost},
};
use percent_encoding::percent_decode_str;
use service::{Db, people::NewPerson, secrets::new_password};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{agents::Agents, config, config::Config, doctor, installation, installation::Installation, seed, web};

/// Sales automation for many companies on one installation.
#[derive(Debug, Parser)]
#[command(name = "saleswright", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the pages and the API.
    Serve {
        /// Works in the same process, with the sandbox mail server.
        #[arg(long)]
        with_worker: bool,
        /// Fills an empty installation with the demo company and prints its sign-ins.
        #[arg(long)]
        demo: bool,
        /// Port to listen on.
        #[arg(long)]
        port: Option<u16>,
        /// Folder of the private database.
        #[arg(long)]
        data: Option<std::path::PathBuf>,
    },
    /// Sends campaigns, runs imports, and catches sandbox mail.
    Work,
    /// Brings the schema to this version, as its owner.
    Migrate {
        /// Takes the schema back to this version instead.
        #[arg(long)]
        down: Option<i64>,
        /// Prints the SQL that a superuser runs once to make the roles.
        #[arg(long)]
        print_roles: bool,
    },
    /// Fills the installation with examples.
    Seed {
        #[command(subcommand)]
        what: Seed,
    },
    /// Says what is wrong with database, roles, mail and keys.
    Doctor,
    /// Prints the description of the JSON API (OpenAPI 3.1).
    Openapi,
    /// Prints every setting with its default and its meaning.
    Settings,
    /// API keys.
    Key {
        #[command(subcommand)]
        what: Key,
    },
    /// People.
    User {
        #[command(subcommand)]
        what: User,
    },
    /// Agents.
    Agents {
        #[command(subcommand)]
        what: Agents,
    },
}

#[derive(Debug, Subcommand)]
enum Seed {
    /// The demo company.
    Demo,
}

#[derive(Debug, Subcommand)]
enum Key {
    /// Makes a key and prints it once.
    Create {
        /// Slug of the company.
        #[arg(long)]
        company: String,
        /// Name of the key.
        #[arg(long)]
        name: String,
        /// Rights, separated by commas, as in leads:read,campaigns:run.
        #[arg(long, value_delimiter = ',')]
        scopes: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
enum User {
    /// Makes an account. The password is read from standard input; an empty line makes one and prints it once.
    Create {
        /// Address.
        #[arg(long)]
        email: String,
        /// Name.
        #[arg(long)]
        name: String,
        /// Slug of a company to join.
        #[arg(long)]
        company: Option<String>,
        /// Role in it.
        #[arg(long, default_value = "member")]
        role: String,
    },
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// What went wrong, for the person at the terminal.
    pub fn run(self) -> Result<()> {
        let mut config = Config::load()?;
        if let Command::Serve { port, data, .. } = &self.command {
            config.port = port.unwrap_or(config.port);
            config.data_dir = data.clone().unwrap_or(config.data_dir);
        }
        log(&config);
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(self.command.run(config))
    }
}

impl Command {
    async fn run(self, config: Config) -> Result<()> {
        match self {
            Self::Serve { with_worker, demo, .. } => serve(config, with_worker, demo).await,
            Self::Work => {
                let installation = Installation::prepare(&config).await?;
                let stop = stop_on_signal();
                if installation.wait(&stop).await? {
                    work(&config, &installation.db, stop).await?;
                }
                installation.db.close().await;
                Ok(())
            }
            Self::Migrate { print_roles: true, .. } => say(service::db::roles_sql()),
            Self::Migrate { down, .. } => {
                let (_cluster, owner) = installation::owner(&config).await?;
                match down {
                    Some(version) => service::db::migrate_down(&owner, version).await,
                    None => service::db::migrate(&owner).await,
                }
            }
            Self::Seed { what: Seed::Demo } => {
                let installation = Installation::open(&config).await?;
                seed::demo(&installation.db).await?;
                say(seed::SIGN_INS)
            }
            Self::Doctor => {
                let report = doctor::examine(&config).await;
                say(&report.text())?;
                anyhow::ensure!(report.problems() == 0, "not everything is as it should be: see the problems above");
                Ok(())
            }
            Self::Openapi => say(&serde_json::to_string_pretty(api::openapi::document())?),
            Self::Settings => say(&config::table()),
            Self::Key { what: Key::Create { company, name, scopes } } => {
                let installation = Installation::open(&config).await?;
                say(&create_key(&installation.db, &company, &name, &scopes).await?)
            }
            Self::Agents { what } => {
                let installation = Installation::open(&config).await?;
                say(&what.run(&installation.db).await?)
            }
            Self::User { what: User::Create { email, name, company, role } } => {
                let installation = Installation::open(&config).await?;
                create_user(&installation.db, email, name, company, &role).await
            }
        }
    }
}

/// Listens at once: while the database is away everything answers 503, and goes on by itself.
async fn serve(config: Config, with_worker: bool, demo: bool) -> Result<()> {
    let installation = Installation::prepare(&config).await?;
    let db = installation.db.clone();
    let stop = stop_on_signal();
    let address: SocketAddr = format!("{}:{}", config.bind, config.port).parse().context("bind and port")?;
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("port {} is taken: choose another with --port", config.port))?;
    let (open, opened) = watch::channel(false);
    let web = tokio::spawn(web::serve(listener, web::gated(web::router(&config, &db)?, opened), stop.clone()));
    let mut worker = None;
    if installation.wait(&stop).await? {
        if with_worker {
            let (config, db, stop) = (config.clone(), db.clone(), stop.clone());
            worker = Some(tokio::spawn(async move { work(&config, &db, stop).await }));
        }
        if demo && seed::is_empty(&db).await? {
            say("The demo company is being made, this takes a moment.")?;
            seed::demo(&db).await?;
        }
        open.send_replace(true);
        say(&format!("\nSaleswright listens on {}", config.public_url()))?;
        if demo {
            say(seed::SIGN_INS)?;
        }
    }
    web.await??;
    stop.cancel();
    if let Some(worker) = worker {
        // E-mails that are being handed over get their time; the cap is for a server that hangs.
        let _ = tokio::time::timeout(Duration::from_secs(25), worker).await;
    }
    db.close().await;
    drop(installation);
    Ok(())
}

/// The worker with its sandbox mail server. A second worker on this machine finds the sandbox's
/// port taken and works without one.
async fn work(config: &Config, db: &Db, stop: CancellationToken) -> Result<()> {
    let address: SocketAddr = db.settings().sandbox_addr.parse().context("the sandbox address")?;
    match Sandbox::bind(address, Arc::new(DbStore(db.clone())), SandboxLimits::default()).await {
        Ok(sandbox) => drop(tokio::spawn(sandbox.run(stop.clone()))),
        Err(error) => tracing::warn!(%error, "The sandbox mail server does not run in this process"),
    }
    let post = system_mail(config)?.map_or(SystemPost::Kept(tell), SystemPost::Server);
    engine::worker::run(db.clone(), post, stop).await;
    Ok(())
}

/// The mail server of the system itself, if the operator named one.
pub(crate) fn system_mail(config: &Config) -> Result<Option<SystemMailServer>> {
    let Some(url) = &config.smtp_url else { return Ok(None) };
    let uri: http::Uri = url.parse().context("SALESWRIGHT_SMTP_URL")?;
    let security = match uri.scheme_str() {
        Some("smtps") => Security::Tls,
        Some("smtp") => Security::StartTls,
        _ => anyhow::bail!("SALESWRIGHT_SMTP_URL begins with smtp:// or smtps://"),
    };
    let host = uri.host().context("SALESWRIGHT_SMTP_URL names no host")?.to_owned();
    let port = uri.port_u16().unwrap_or(if security == Security::Tls { 465 } else { 587 });
    // What an address cannot hold as it is stands there percent-encoded (RFC 3986, section 3.2.1).
    let decoded = |text: &str| Ok::<_, anyhow::Error>(percent_decode_str(text).decode_utf8()?.into_owned());
    let credentials = match uri.authority().and_then(|a| a.as_str().rsplit_once('@')) {
        Some((user, _)) => {
            let (name, password) = user.split_once(':').context("SALESWRIGHT_SMTP_URL has a user but no password")?;
            Some(Credentials { username: decoded(name)?, password: Password::new(decoded(password)?) })
        }
        None => None,
    };
    let server = SmtpServer { host, port, security, credentials };
    Ok(Some(SystemMailServer { server, from: config.smtp_from.clone() }))
}

async fn create_key(db: &Db, company: &str, name: &str, scopes: &[String]) -> Result<String> {
    let scopes: Vec<Scope> = scopes
        .iter()
        .map(|s| s.parse())
        .collect::<Result<_, domain::Problem>>()
        .map_err(|p| anyhow::anyhow!(p.message))?;
    let actor = db.platform().system_actor_by_slug(company, "command line").await?;
    let mut t = db.tenant(&actor).await?;
    let (_, secret) = t.keys().create(name, &scopes, None).await.map_err(in_words)?;
    t.commit().await?;
    Ok(secret)
}

async fn create_user(db: &Db, email: String, name: String, company: Option<String>, role: &str) -> Result<()> {
    let mut given = String::new();
    say("Password (leave it empty to have one made):")?;
    std::io::stdin().read_line(&mut given)?;
    let given = given.trim_end_matches(['\r', '\n']).to_owned();
    let made = given.is_empty().then(new_password);
    let password = made.clone().unwrap_or(given);
    let person = db.people().create_user(NewPerson { name, email, password }).await.map_err(in_words)?;
    if let Some(company) = company {
        let role: Role = role.parse().map_err(|p: domain::Problem| anyhow::anyhow!(p.message))?;
        let actor = db.platform().system_actor_by_slug(&company, "command line").await?;
        let mut t = db.tenant(&actor).await?;
        t.members().add_existing(person.id, role).await.map_err(in_words)?;
        t.commit().await?;
    }
    say(&format!("{} can sign in.", person.email))?;
    made.map_or(Ok(()), |made| say(&format!("The password, shown only now: {made}")))
}

/// An error of the service for the person at the terminal, with every problem of the input.
fn in_words(error: service::Error) -> anyhow::Error {
    match error {
        service::Error::Invalid(problems) => {
            anyhow::anyhow!(problems.into_iter().map(|p| p.message).collect::<Vec<_>>().join("\n"))
        }
        other => other.into(),
    }
}

/// Cancelled by Ctrl-C and by SIGTERM.
fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    tokio::spawn(async move {
        let terminate = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => drop(signal.recv().await),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = terminate => {}
        }
        cancel.cancel();
    });
    stop
}

fn log(config: &Config) {
    // The library of IMAP writes down every command at its finest level, and one of them is the sign-in.
    let no_passwords = "async_imap::imap_stream=off".parse().expect("a directive");
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log).unwrap_or_default().add_directive(no_passwords);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if config.log_format == "json" { builder.json().init() } else { builder.init() }
}

/// A line for the person at the terminal, if there is one.
fn tell(text: &str) {
    let _ = say(text);
}

/// Writes a line for the person at the terminal.
fn say(text: &str) -> Result<()> {
    use std::io::Write;
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
