//! Commands for the person at the terminal.

use service::Origin;

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_a_password_gets_one() {
    let house = House::build().await;
    let printed = house.ask(&["user", "create", "--email", "ada@people.example", "--name", "Ada"]);
    let password = printed.lines().find_map(|line| line.strip_prefix("The password, shown only now: "));
    let password = password.expect("it is printed");
    let people = house.db().people();
    assert!(people.sign_in("ada@people.example", password, Origin::default()).await.is_ok());
}
