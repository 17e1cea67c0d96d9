//! Commands for the person at the terminal.

use service::Origin;

use crate::{house::House, patience::until};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_a_password_gets_one() {
    let house = House::build().await;
    let printed = house.ask(&["user", "create", "--email", "ada@people.example", "--name", "Ada"]);
    let password = printed.lines().find_map(|line| line.strip_prefix("The password, shown only now: "));
    let password = password.expect("it is printed");
    let people = house.db().people();
    assert!(people.sign_in("ada@people.example", password, Origin::default()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_goes_back_and_forth_with_a_company_in_it() {
    let house = House::build().await;
    house.ask(&["seed", "demo"]);
    let worker = house.work();
    until("a campaign is done", async || testing::rows(&house.superuser()).await["send_proofs"] > 0).await;
    assert!(worker.stop().await.success(), "{}", house.log());
    let before = testing::rows(&house.superuser()).await;

    let newest = service::db::MIGRATOR.iter().map(|m| m.version).max().expect("there are migrations");
    house.ask(&["migrate", "--down", &(newest - 1).to_string()]);
    house.ask(&["migrate"]);
    assert_eq!(testing::rows(&house.superuser()).await, before, "an upgrade taken back and made again loses nothing");

    house.ask(&["migrate", "--down", "0"]);
    assert!(testing::rows(&house.superuser()).await.is_empty(), "no table is left");
    house.ask(&["migrate"]);
    house.ask(&["seed", "demo"]);
}
