//! What sets workflows off.

use domain::{
    leads::{LeadFilter, LeadInput, LeadStatus},
    messages::SendOutcome,
    tasks::TaskInput,
    threads::{ThreadChange, ThreadClass, ThreadFilter},
    workflows::{WorkflowFiringState, WorkflowInput, WorkflowTrigger},
};

use crate::support::{Story, add_tag, noon, on, taken};

#[tokio::test]
async fn a_new_lead_sets_off_whoever_looks_for_one_like_it() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let filter = LeadFilter { country: vec!["DE".into()], tag: vec!["fair".into()], ..LeadFilter::default() };
    let german =
        WorkflowInput { conditions: filter, ..on("German", WorkflowTrigger::LeadCreated {}, vec![add_tag("seen")]) };
    let all = on("All", WorkflowTrigger::LeadCreated {}, vec![add_tag("all")]);
    let off = WorkflowInput { enabled: false, ..on("Off", WorkflowTrigger::LeadCreated {}, vec![add_tag("off")]) };
    let ids = [story.workflow(german).await, story.workflow(all).await, story.workflow(off).await];
    let person = |email: &str, country: &str, tag: &str| LeadInput {
        email: Some(email.to_owned()),
        country: Some(country.to_owned()),
        tags: vec![tag.to_owned()],
        ..LeadInput::default()
    };
    let mut found = Vec::new();
    for (email, country, tag) in
        [("a@x.example", "DE", "fair"), ("b@x.example", "FR", "fair"), ("c@x.example", "DE", "web")]
    {
        found.push(story.lead_with(person(email, country, tag)).await);
    }
    story.work(&ids).await;
    assert_eq!(story.get(found[0]).await.tags, ["all", "fair", "seen"]);
    assert_eq!(story.get(found[1]).await.tags, ["all", "fair"]);
    assert_eq!(story.get(found[2]).await.tags, ["all", "web"]);
    let log = story.log(ids[0]).await;
    assert_eq!(log.len(), 1, "{log:?}");
    assert_eq!((log[0].state, log[0].lead, log[0].events), (WorkflowFiringState::Done, Some(found[0]), 1));
    assert_eq!((log[0].cause.as_str(), log[0].lead_name.as_deref()), ("The lead is new", Some("a@x.example")));
    assert_eq!(log[0].results[0].words, "Added the tag seen.");

    let mut t = story.open().await;
    let look = t.workflows().look_back(ids[0]).await.expect("a look");
    assert_eq!((look.acted, look.created, look.matching), (1, Some(3), Some(1)));
}

#[tokio::test]
async fn a_score_counts_when_it_comes_from_below() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let id = story.workflow(on("Hot", WorkflowTrigger::ScoreCrossed { threshold: 60 }, vec![add_tag("hot")])).await;
    let person = |title: &str| LeadInput {
        email: Some("ines@corvus.example".to_owned()),
        title: Some(title.to_owned()),
        ..LeadInput::default()
    };
    let lead = story.lead_with(person("Clerk")).await;
    assert!(story.get(lead).await.score < 60);
    for title in ["CEO", "Founder", "Clerk", "CEO"] {
        let mut t = story.open().await;
        t.leads().update(lead, person(title), None).await.expect("changed");
        t.commit().await.expect("kept");
    }
    story.work(&[id]).await;
    let log = story.log(id).await;
    assert_eq!(log.iter().map(|firing| firing.cause.as_str()).collect::<Vec<_>>(), ["Its score came to 60"; 2]);
    assert_eq!(story.results(id).await, ["Added the tag hot.", "It has the tag already: hot."]);
}

#[tokio::test]
async fn a_change_of_status_is_told_whoever_makes_it() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let trigger = |from, to| WorkflowTrigger::StatusChanged { from, to };
    let any = story.workflow(on("Any", trigger(None, None), vec![add_tag("any")])).await;
    let works = trigger(Some(LeadStatus::New), Some(LeadStatus::Working));
    let works = story.workflow(on("Works", works, vec![add_tag("works")])).await;
    let [sent, edited, same] =
        [story.lead("a@x.example").await, story.lead("b@x.example").await, story.lead("c@x.example").await];
    let (campaign, _) = story.campaign(&[sent]).await;
    story.start(campaign).await;
    story.send(&taken()).await;
    let mut t = story.open().await;
    let input = |status| LeadInput { email: Some("b@x.example".into()), status: Some(status), ..LeadInput::default() };
    t.leads().update(edited, input(LeadStatus::Lost), None).await.expect("changed");
    t.leads().set_status(edited, LeadStatus::Nurture).await.expect("changed");
    t.leads().set_status(same, LeadStatus::New).await.expect("it is so already");
    t.commit().await.expect("kept");
    story.work(&[any, works]).await;
    let causes = |log: Vec<domain::workflows::WorkflowFiring>| {
        let mut causes: Vec<_> = log.into_iter().map(|firing| (firing.lead, firing.cause)).collect();
        causes.sort();
        causes
    };
    let by_sending = (Some(sent), "Its status went from new to working".to_owned());
    let mut expected = vec![
        by_sending.clone(),
        (Some(edited), "Its status went from new to lost".to_owned()),
        (Some(edited), "Its status went from lost to nurture".to_owned()),
    ];
    expected.sort();
    assert_eq!(causes(story.log(any).await), expected);
    assert_eq!(causes(story.log(works).await), [by_sending]);
}

#[tokio::test]
async fn an_answer_counts_once_as_what_it_turns_out_to_be() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let [a, b] = [story.lead("a@x.example").await, story.lead("b@x.example").await];
    let (campaign, mailbox) = story.campaign(&[a, b]).await;
    let (other, _) = story.campaign(&[]).await;
    let replied = |class, campaign| WorkflowTrigger::Replied { class, campaign };
    let every = story.workflow(on("Every", replied(None, Some(campaign)), vec![add_tag("every")])).await;
    let elsewhere = story.workflow(on("Elsewhere", replied(None, Some(other)), vec![add_tag("elsewhere")])).await;
    let keen = story.workflow(on("Keen", replied(Some(ThreadClass::Interested), None), vec![add_tag("keen")])).await;
    let asks = story.workflow(on("Asks", replied(Some(ThreadClass::Question), None), vec![add_tag("asks")])).await;
    let ids = [every, elsewhere, keen, asks];
    story.start(campaign).await;
    story.send(&taken()).await;

    story.receive(mailbox, "a@x.example", 1, "We are very interested.").await;
    story.receive(mailbox, "b@x.example", 2, "How much is it?").await;
    story.work(&ids).await;
    assert_eq!(story.get(a).await.tags, ["every", "keen"]);
    assert_eq!(story.get(b).await.tags, ["asks", "every"]);
    assert_eq!(story.log(elsewhere).await, [], "nobody has answered that campaign");
    assert_eq!(story.log(keen).await[0].cause, "It has replied: interested");

    // A person knows better, and once more.
    let mut t = story.open().await;
    let threads = t.threads().list(&ThreadFilter::default(), &Default::default()).await.expect("a list").items;
    let thread = threads.iter().find(|thread| thread.lead == Some(b)).expect("the question").id;
    for class in [ThreadClass::Interested, ThreadClass::Question, ThreadClass::Interested] {
        let change = ThreadChange { class: Some(class), ..ThreadChange::default() };
        t.threads().change(thread, &change, None).await.expect("changed");
    }
    t.commit().await.expect("kept");
    story.work(&ids).await;
    assert_eq!(story.get(b).await.tags, ["asks", "every", "keen"]);
    assert_eq!((story.log(keen).await.len(), story.log(asks).await.len()), (2, 1), "a mail counts once");
}

#[tokio::test]
async fn whoever_wants_no_more_and_whose_address_is_wrong_are_told_apart() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let gone = story.workflow(on("Gone", WorkflowTrigger::Unsubscribed {}, vec![add_tag("gone")])).await;
    let wrong = story.workflow(on("Wrong", WorkflowTrigger::Bounced {}, vec![add_tag("wrong")])).await;
    let a = story.lead("a@x.example").await;
    let (first, mailbox) = story.campaign(&[a]).await;
    story.start(first).await;
    story.send(&taken()).await;
    for n in [1, 2] {
        story.receive(mailbox, "a@x.example", n, "Please unsubscribe me.").await;
    }
    let b = story.lead("b@x.example").await;
    let (second, _) = story.campaign(&[b]).await;
    story.start(second).await;
    story.send(&SendOutcome::Rejected { reply: "550 5.1.1 no such user".into(), hard: true }).await;
    story.work(&[gone, wrong]).await;
    let leads = async |id| story.log(id).await.into_iter().map(|firing| firing.lead).collect::<Vec<_>>();
    assert_eq!(leads(gone).await, [Some(a)], "once");
    assert_eq!(leads(wrong).await, [Some(b)]);
    assert_eq!(story.get(a).await.tags, ["gone"]);
}

#[tokio::test]
async fn a_task_that_is_done_is_told_with_its_lead() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let id = story.workflow(on("Done", WorkflowTrigger::TaskDone {}, vec![add_tag("called")])).await;
    let lead = story.lead("a@x.example").await;
    let mut t = story.open().await;
    for about in [Some(lead), None] {
        let input = TaskInput { title: "Call".into(), lead: about, ..TaskInput::default() };
        let task = t.tasks().create(input).await.expect("made").id;
        t.tasks().complete(task).await.expect("done");
        t.tasks().complete(task).await.expect("done already");
    }
    t.commit().await.expect("kept");
    story.work(&[id]).await;
    let log = story.log(id).await;
    assert_eq!(log.iter().map(|firing| firing.cause.as_str()).collect::<Vec<_>>(), ["Its task “Call” is done"]);
    assert_eq!(story.get(lead).await.tags, ["called"]);
}
