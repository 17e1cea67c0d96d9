//! Tasks: the open ones of the company, and the parts that the page of a lead shows of its own.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    pages::{
        frame::{live_version, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    shell::{PageScroll, Topbar},
    ui::{
        ButtonKind, ButtonSize, Card, Choice, Empty, EmptyKind, FieldWidth, InputKind, Pager, Select, SubmitButton,
        Tag, TextInput, Tone, confirm, refusal,
    },
};

/// A task, as lists show it.
#[cfg(feature = "ssr")]
#[derive(Clone)]
pub struct TaskRow {
    id: String,
    title: String,
    details: Option<String>,
    lead: Option<(String, String)>,
    words: String,
    /// What is said of its day, and whether the day is over.
    due: Option<(String, bool)>,
    done: bool,
}

#[cfg(feature = "ssr")]
impl TaskRow {
    /// The task, seen on the day `today`.
    pub fn new(task: domain::tasks::Task, today: chrono::NaiveDate) -> Self {
        let words = match (task.done_by, task.assignee_name) {
            (Some(person), _) => format!("Done by {person}"),
            (None, Some(person)) => format!("For {person} · made by {}", task.created_by),
            (None, None) => format!("For anybody · made by {}", task.created_by),
        };
        let name = task.lead_name.unwrap_or_else(|| "Unnamed lead".to_owned());
        let done = task.done_at.is_some();
        Self {
            id: task.id.to_string(),
            title: task.title,
            details: task.details,
            lead: task.lead.map(|id| (id.to_string(), name)),
            words,
            due: task.due_on.filter(|_| !done).map(|day| due(day, today)),
            done,
        }
    }
}

#[cfg(feature = "ssr")]
fn due(day: chrono::NaiveDate, today: chrono::NaiveDate) -> (String, bool) {
    use chrono::Datelike;

    let date = day.format(if day.year() == today.year() { "%-d %b" } else { "%-d %b %Y" });
    match (day - today).num_days() {
        0 => ("Due today".to_owned(), false),
        1 => ("Due tomorrow".to_owned(), false),
        2.. => (format!("Due on {date}"), false),
        _ => (format!("Was due on {date}"), true),
    }
}

/// Loads a page of the open tasks.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_tasks(slug: String, after: String) -> Result<Written, AppError> {
    let later = !after.is_empty();
    let request =
        domain::PageRequest { after: Some(after).filter(|a| !a.is_empty()), ..domain::PageRequest::default() };
    let mut t = crate::server::tenant(&slug).await?;
    let page = t.tasks().open(&request).await?;
    let people = t.members().list().await?;
    let today = t.today();
    let may_edit = t.actor().can(domain::Permission::EditLeads);
    t.commit().await?;
    let rows = page.items.into_iter().map(|task| TaskRow::new(task, today)).collect();
    let people = people.into_iter().map(|m| (m.user_id.to_string(), m.name)).collect();
    Ok(Written::new("Tasks", move || view(&slug, rows, (later, page.next), people, may_edit)))
}

/// Makes a task. The form stands on the page of a lead, or on that of all tasks.
#[server(prefix = "/sf")]
pub async fn create_task(
    slug: String,
    title: String,
    #[server(default)] due_on: String,
    #[server(default)] assignee: String,
    #[server(default)] lead: String,
) -> Result<(), AppError> {
    use service::Error;

    let no_day = || Error::invalid(domain::Problem::field("due_on", "date_invalid", "Choose a day."));
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let input = domain::tasks::TaskInput {
        title,
        lead: some(lead).map(|id| id.parse()).transpose().map_err(|_| Error::NotFound("lead"))?,
        assignee: some(assignee).map(|id| id.parse()).transpose().map_err(|_| Error::NotFound("person"))?,
        due_on: some(due_on).map(|day| day.parse()).transpose().map_err(|_| no_day())?,
        ..Default::default()
    };
    let mut t = crate::server::tenant(&slug).await?;
    let task = t.tasks().create(input).await?;
    t.commit().await?;
    crate::server::done(&home_of(&slug, task.lead), "task-created");
    Ok(())
}

/// Completes, reopens or deletes a task: `complete`, `reopen`, `delete`. `lead` says on whose page this was asked.
#[server(prefix = "/sf")]
pub async fn change_task(
    slug: String,
    id: String,
    what: String,
    #[server(default)] lead: String,
) -> Result<(), AppError> {
    let id = id.parse().map_err(|_| AppError::from(service::Error::NotFound("task")))?;
    let mut t = crate::server::tenant(&slug).await?;
    let code = match what.as_str() {
        "complete" => t.tasks().complete(id).await.map(|_| "task-done")?,
        "reopen" => t.tasks().reopen(id).await.map(|_| "task-reopened")?,
        "delete" => t.tasks().delete(id).await.map(|()| "task-deleted")?,
        _ => return Err(service::Error::NotFound("command").into()),
    };
    t.commit().await?;
    crate::server::done(&home_of(&slug, lead.parse().ok()), code);
    Ok(())
}

/// The page that a task stands on.
#[cfg(feature = "ssr")]
fn home_of(slug: &str, lead: Option<domain::LeadId>) -> String {
    lead.map_or_else(|| format!("/t/{slug}/tasks"), |lead| format!("/t/{slug}/leads/{lead}"))
}

/// The open tasks.
#[component]
pub fn TasksPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(live_version("tasks"), move || {
        let after = query.read().get("after").unwrap_or_default();
        LoadTasks { slug: slug.get(), after }
    })
}

#[cfg(feature = "ssr")]
fn view(
    slug: &str,
    rows: Vec<TaskRow>,
    (later, next): (bool, Option<String>),
    people: Vec<(String, String)>,
    edit: bool,
) -> AnyView {
    let first = later.then(|| format!("/t/{slug}/tasks"));
    let next = next.map(|cursor| format!("/t/{slug}/tasks?after={cursor}"));
    let empty = rows.is_empty().then(|| {
        view! { <Empty kind=EmptyKind::Done title="No open tasks" text="What agents and colleagues leave for people to do stands here."/> }
    });
    let items = task_items(slug, rows, "", edit);
    let form = edit.then(|| {
        let form = task_form(slug, "", people);
        view! { <Card title="Add a task">{form}</Card> }
    });
    view! {
        <Topbar title="Tasks"/>
        <PageScroll label="Tasks">
            <div class="page-body narrow">
                {refusal(Post::to::<ChangeTask>())}
                <Card title="Open tasks"><ul class="stack">{items}</ul>{empty}</Card>
                <Pager first next/>
                {form}
            </div>
        </PageScroll>
    }
    .into_any()
}

/// The card on the page of a lead.
#[cfg(feature = "ssr")]
pub fn tasks_of_lead(slug: &str, lead: &str, rows: Vec<TaskRow>, people: Vec<(String, String)>, edit: bool) -> AnyView {
    let items = task_items(slug, rows, lead, edit);
    let form = edit.then(|| task_form(slug, lead, people));
    view! { <Card title="Tasks">{refusal(Post::to::<ChangeTask>())}<ul class="stack">{items}</ul>{form}</Card> }
        .into_any()
}

/// Tasks with what can be done about each. `lead` is the lead whose page this is; empty elsewhere.
#[cfg(feature = "ssr")]
fn task_items(slug: &str, rows: Vec<TaskRow>, lead: &str, edit: bool) -> Vec<AnyView> {
    let change = Post::to::<ChangeTask>();
    rows.into_iter().map(|task| task_item(slug, task, lead, edit.then_some(change))).collect()
}

#[cfg(feature = "ssr")]
fn task_item(slug: &str, task: TaskRow, lead: &str, change: Option<Post>) -> AnyView {
    let (what, words) = if task.done { ("reopen", "Reopen") } else { ("complete", "Done") };
    let buttons = change.map(|change| {
        let form = |what, words| command(change, slug, &task, lead, what, words);
        let delete = confirm("Delete", &task.title, "It is gone for everybody.", form("delete", "Delete task"));
        view! { <div class="push cluster">{form(what, words)}{delete}</div> }
    });
    let due = task.due.clone().map(|(text, over)| {
        let tone = if over { Tone::Coral } else { Tone::Neutral };
        view! { <Tag text tone/> }
    });
    let about = task.lead.clone().filter(|_| lead.is_empty()).map(|(id, name)| {
        view! { <a href=format!("/t/{slug}/leads/{id}")>{name}</a>" · " }
    });
    view! {
        <li>
            <div class="cluster"><span class="strong">{task.title.clone()}</span>{due}{buttons}</div>
            {task.details.clone().map(|text| view! { <p class="as-written">{text}</p> })}
            <p class="subtle">{about}<span>{task.words.clone()}</span></p>
        </li>
    }
    .into_any()
}

/// A form with one button.
#[cfg(feature = "ssr")]
fn command(change: Post, slug: &str, task: &TaskRow, lead: &str, what: &'static str, words: &'static str) -> AnyView {
    let kind = if what == "delete" { ButtonKind::Danger } else { ButtonKind::Default };
    let label = format!("{words}: {}", task.title);
    let (slug, id, lead) = (slug.to_owned(), task.id.clone(), lead.to_owned());
    view! {
        <PostForm post=change>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="what" value=what/>
            <input type="hidden" name="lead" value=lead/>
            <SubmitButton kind size=ButtonSize::Small label busy=change.busy()>{words}</SubmitButton>
        </PostForm>
    }
    .into_any()
}

/// The form of a new task about `lead`, or about none where it is empty. `people` are ids and names.
#[cfg(feature = "ssr")]
fn task_form(slug: &str, lead: &str, people: Vec<(String, String)>) -> AnyView {
    let create = Post::to::<CreateTask>();
    let people: Vec<_> = people.into_iter().map(|(id, name)| Choice::new(id, name)).collect();
    let (slug, lead) = (slug.to_owned(), lead.to_owned());
    let of = move |field| create.of_field(field);
    view! {
        {refusal(create)}
        <PostForm post=create class="stack">
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="lead" value=lead/>
            <TextInput name="title" label="What is to be done" error=of("title")/>
            <TextInput name="due_on" label="Due" kind=InputKind::Date width=FieldWidth::Medium error=of("due_on") optional=true/>
            <Select name="assignee" label="For" options=people placeholder="Anybody" error=of("assignee") optional=true/>
            <SubmitButton kind=ButtonKind::Default busy=create.busy()>"Add task"</SubmitButton>
        </PostForm>
    }
    .into_any()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::due;

    #[test]
    fn a_day_is_said_as_people_say_it() {
        let today = "2026-12-30".parse().expect("a day");
        for (day, text, over) in [
            ("2026-12-29", "Was due on 29 Dec", true),
            ("2026-12-30", "Due today", false),
            ("2026-12-31", "Due tomorrow", false),
            ("2027-01-04", "Due on 4 Jan 2027", false),
        ] {
            assert_eq!(due(day.parse().expect("a day"), today), (text.to_owned(), over));
        }
    }
}
