import { answer, expect, hydrated, signIn, test } from "./journey";

/** The line of the log that is about a lead. */
const about = (page: import("@playwright/test").Page, name: string) =>
  page.locator("section.card").filter({ has: page.getByRole("heading", { name: "Log", exact: true }) })
    .locator("ul > li").filter({ hasText: name });

test("a workflow is made, turned on, acts for a new lead, and tells it in the log and on the page of the lead", async ({ page }, info) => {
  const mark = `${info.project.name}${Date.now()}`;
  const name = `Fair ${mark}`;
  await signIn(page);
  await page.goto("/t/halden/workflows");
  await page.getByRole("link", { name: "New workflow" }).click();
  await page.getByRole("link", { name: "A lead is created" }).click();
  await hydrated(page);

  // What cannot be is said beside its field, and nothing is lost.
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Tags", { exact: false }).fill(mark);
  await page.getByLabel("Score at least").fill("80");
  await page.getByLabel("Score at most").fill("70");
  await page.getByRole("button", { name: "Go on to the actions" }).click();
  await expect(page.getByRole("heading", { name: "There is a problem" })).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue(name);
  await page.getByLabel("Score at least").fill("");
  await page.getByLabel("Score at most").fill("100");
  await page.getByRole("button", { name: "Go on to the actions" }).click();
  await expect(page.getByText("Workflow made. Add what it is to do, then turn it on.")).toBeVisible();
  await expect(page.getByText("No actions yet")).toBeVisible();

  await hydrated(page);
  await page.getByRole("link", { name: "Create a task", exact: true }).click();
  await hydrated(page);
  await page.getByLabel("What is to be done").fill(`Greet ${mark}`);
  await page.getByRole("button", { name: "Add action" }).click();
  await expect(page.getByText("Workflow saved. It acts with your rights.")).toBeVisible();
  await hydrated(page);
  await page.getByRole("link", { name: "Change the status", exact: true }).click();
  await hydrated(page);
  await page.getByRole("button", { name: "Add action" }).click();
  await expect(page.getByText("Choose a status.").first()).toBeVisible();
  await page.getByLabel("Status", { exact: true }).selectOption("working");
  await page.getByRole("button", { name: "Add action" }).click();
  await expect(page.getByText("2. Change the status to working")).toBeVisible();
  await hydrated(page);
  await page.getByRole("button", { name: "Move up: Change the status to working" }).click();
  await expect(page.getByRole("button", { name: "Move down: Change the status to working" })).toBeVisible();
  await hydrated(page);
  await page.getByRole("button", { name: `Turn on: ${name}` }).click();
  await expect(page.getByText("The workflow is on. It acts with your rights.")).toBeVisible();
  const workflow = new RegExp(`${new URL(page.url()).pathname}$`);

  await page.goto("/t/halden/leads/new");
  await hydrated(page);
  await page.getByRole("textbox", { name: "E-mail" }).fill(`${mark}@corvus.example`);
  await page.getByRole("textbox", { name: "Tags" }).fill(mark);
  await page.getByRole("button", { name: "Create lead" }).click();
  await expect(page.getByRole("heading", { name: `${mark}@corvus.example` })).toBeVisible();
  // A worker does it a moment later; without scripts nobody tells the page.
  await expect(async () => {
    await page.reload();
    await expect(page.getByText(`Greet ${mark}`).first()).toBeVisible({ timeout: 2_000 });
  }).toPass({ timeout: 20_000 });
  await hydrated(page);
  await page.getByRole("link", { name: /^Status changed/ }).first().click();
  await expect(page).toHaveURL(workflow);
  const line = about(page, `${mark}@corvus.example`);
  await expect(line).toContainText("The lead is new");
  await expect(line).toContainText("Changed its status from new to working.");
  await expect(line).toContainText(`Created the task “Greet ${mark}”`);

  await hydrated(page);
  await page.getByRole("button", { name: `Turn off: ${name}` }).click();
  await expect(page.getByText("The workflow is off.")).toBeVisible();
  // News of the change itself may still come; the question is opened on a page that has them.
  await page.reload();
  await hydrated(page);
  await answer(page.locator("header.page-head"), /^Delete workflow/);
  await expect(page.getByText("Workflow deleted.")).toBeVisible();
  await expect(page.getByRole("link", { name })).toHaveCount(0);
});

test("what cannot be is said, and only whoever may change leads of others changes a workflow", async ({ page }, info) => {
  const name = `Quiet ${info.project.name} ${Date.now()}`;
  await signIn(page);
  await page.goto("/t/halden/workflows/new?kind=status_changed");
  await hydrated(page);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel(/^From/).selectOption("new");
  await page.getByLabel(/^To/).selectOption("new");
  await page.getByRole("button", { name: "Go on to the actions" }).click();
  await expect(page.getByText("A change leads to another status. Choose two different ones.").first()).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue(name);
  await page.getByLabel(/^To/).selectOption("lost");
  await page.getByRole("button", { name: "Go on to the actions" }).click();
  await expect(page.getByText("The status of a lead changes from new to lost")).toBeVisible();

  // Without an action it is not turned on.
  await hydrated(page);
  await page.getByRole("button", { name: `Turn on: ${name}` }).click();
  await expect(page.getByText("Add an action before turning it on.")).toBeVisible();
  await page.getByRole("link", { name: "Assign an owner", exact: true }).click();
  await hydrated(page);
  await page.getByRole("button", { name: "Add action" }).click();
  await expect(page.getByText("Choose who gets the leads.").first()).toBeVisible();
  await page.getByRole("checkbox", { name: "Nora Berg" }).check();
  await page.getByRole("checkbox", { name: "Jonas Keller" }).check();
  await page.getByRole("button", { name: "Add action" }).click();
  await expect(page.getByText(/^1\. Assign to .*, in turn$/)).toBeVisible();
  const workflow = new URL(page.url()).pathname;

  await page.context().clearCookies();
  await signIn(page, "aisha@halden.example");
  await page.goto(workflow);
  await expect(page.getByText(/^1\. Assign to .*, in turn$/)).toBeVisible();
  await expect(page.getByRole("button", { name: /^(Turn|Remove|Move)/ })).toHaveCount(0);
  await expect(page.getByRole("link", { name: "Add a tag" })).toHaveCount(0);
  await page.goto("/t/halden/workflows");
  await expect(page.getByRole("link", { name, exact: true })).toBeVisible();
  await expect(page.getByRole("link", { name: "New workflow" })).toHaveCount(0);

  await page.context().clearCookies();
  await signIn(page);
  await page.goto(workflow);
  await hydrated(page);
  await answer(page.locator("header.page-head"), /^Delete workflow/);
  await expect(page.getByText("Workflow deleted.")).toBeVisible();
});
