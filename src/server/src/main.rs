//! `saleswright`: see `saleswright help`.

use clap::Parser;

fn main() -> anyhow::Result<()> {
    server::cli::Cli::parse().run()
}
