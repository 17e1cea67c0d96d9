import type { APIRequestContext, Page } from "@playwright/test";
import { answer, appears, expect, hydrated, signIn, test } from "./journey";

// The program that makes what the story needs and is not about.
async function program(playwright: { request: { newContext(options: object): Promise<APIRequestContext> } }, baseURL?: string) {
  const api = await playwright.request.newContext({
    baseURL: `${baseURL}/api/v1/`,
    extraHTTPHeaders: { Authorization: `Bearer ${process.env.API_KEY}` },
  });
  return async (path: string, data: object, status = 201) => {
    const said = await api.post(path, { data });
    expect(said.status(), `${path}: ${await said.text()}`).toBe(status);
    return said.json();
  };
}

// Adds a step of a kind where `label` says, and waits for its form.
async function add(page: Page, label: string, kind: string) {
  await hydrated(page);
  const form = page.locator("form.add-step").filter({ has: page.getByLabel(label, { exact: true }) });
  await form.getByLabel(label, { exact: true }).selectOption({ label: kind });
  await form.getByRole("button", { name: "Add step" }).click();
  await page.waitForURL(/sequence\/[0-9a-f-]{36}/);
  await hydrated(page);
}

async function save(page: Page) {
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved.").first()).toBeVisible();
}

test("a sequence with a branch and two wordings is built, tried out and rearranged", async ({ page }) => {
  test.setTimeout(90_000);
  const name = `branches-${Date.now()}`;
  await signIn(page);
  await page.goto("/t/halden/campaigns/new");
  await hydrated(page);
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Create draft" }).click();
  await page.waitForURL(/campaigns\/[0-9a-f-]{36}/);
  const own = new URL(page.url()).pathname.match(/^\/t\/halden\/campaigns\/[0-9a-f-]{36}/)![0];

  await page.goto(`${own}/sequence`);
  await add(page, "Add at the end", "E-mail");
  await page.getByLabel("Subject", { exact: true }).fill("The first wording");
  await page.getByLabel("Text", { exact: true }).fill("Hi {first_name|there},\n\nshall we talk?");
  await page.getByText("Compare wordings (A/B)").click();
  const other = page.getByRole("group", { name: "Variant B" });
  await other.getByLabel("Share in percent").fill("140");
  await other.getByLabel("Its subject").fill("The second wording");
  await other.getByLabel("Its text").fill("Hello {first_name|there},\n\ndo you have ten minutes?");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("alert").first()).toBeVisible();
  await hydrated(page);
  await expect(other.getByLabel("Its subject")).toHaveValue("The second wording");
  await other.getByLabel("Share in percent").fill("40");
  await save(page);
  await hydrated(page);
  await page.getByLabel("Wording").selectOption({ label: "Variant B" });
  await page.getByRole("button", { name: "Show" }).click();
  await expect(page.locator(".mail-preview")).toContainText("do you have ten minutes?");

  await page.goto(`${own}/sequence`);
  await expect(page.getByText("2 wordings, 60 / 40 %")).toBeVisible();
  await add(page, "Add at the end", "Condition");
  await page.getByLabel("The lead is like this").check();
  await page.getByLabel("Score at least").fill("70");
  await save(page);
  await page.goto(`${own}/sequence`);
  await expect(page.locator(".step-name", { hasText: "Score at least 70?" })).toBeVisible();
  await expect(page.getByText("The sequence ends here.")).toHaveCount(2);
  await add(page, "Add to Yes", "Task for a person");
  await page.getByLabel("What is to be done").fill("Call {first_name|them}");
  await save(page);
  await page.goto(`${own}/sequence`);
  await add(page, "Add to No", "E-mail");
  await page.getByLabel("Text", { exact: true }).fill("Only once more.");
  await page.getByLabel("As an answer to the e-mail before it").check();
  await save(page);

  await page.goto(`${own}/sequence`);
  await hydrated(page);
  const yes = page.getByRole("region", { name: "Yes of step 2" });
  const no = page.getByRole("region", { name: "No of step 2" });
  await expect(yes.getByText("Call {first_name|them}")).toBeVisible();
  await expect(no.getByText("Only once more.")).toBeVisible();

  // Without a mouse too: into the other branch, and a new step in the middle of it.
  await no.locator("details.step-move summary").click();
  await no.getByLabel("Where step 4 moves").selectOption({ label: "before step 3 “Call {first_name|them}”" });
  await no.getByRole("button", { name: "Move step 4" }).click();
  await expect(yes.getByText("Only once more.")).toBeVisible();
  await expect(no.getByText("The sequence ends here.")).toBeVisible();
  await hydrated(page);
  await yes.locator("details.step-gap", { hasText: "before step 4" }).locator("summary").click();
  await add(page, "Add before step 4", "Wait");
  await page.goto(`${own}/sequence`);
  await hydrated(page);
  const names = yes.locator(".step-name");
  await expect(names).toHaveCount(3);
  await expect(names.nth(1)).toContainText("Wait 1 working day");
  await expect(names.nth(2)).toContainText("Call {first_name|them}");

  // The whole condition moves with its branches, and goes with them.
  const condition = page.locator(".sequence > li").filter({ has: yes }).first();
  await condition.getByRole("button", { name: "Move up" }).first().click();
  await expect(page.getByRole("region", { name: "Yes of step 1" })).toBeVisible();
  await hydrated(page);
  const moved = page.locator(".sequence > li").filter({ has: page.getByRole("region", { name: "Yes of step 1" }) }).first();
  const question = moved.locator("details.confirm").first();
  await question.locator("summary").click();
  await expect(question.getByText("The step and all steps of its branches are lost.")).toBeVisible();
  await question.getByRole("button", { name: "Remove step" }).click();
  await expect(page.getByRole("region", { name: /of step/ })).toHaveCount(0);
  await expect(page.getByText("The first wording")).toBeVisible();
});

test("what is written into a step is kept by itself, and a page that is older overwrites nothing", async ({ page, context, playwright, baseURL, javaScriptEnabled }) => {
  test.skip(!javaScriptEnabled, "without scripts a step is saved by its button");
  const make = await program(playwright, baseURL);
  await signIn(page);
  const campaign = await make("campaigns", { name: `kept-${Date.now()}` });
  const step = await make(`campaigns/${campaign.id}/steps`, { subject: "Hello", body: "How are you?" });
  const own = `/t/halden/campaigns/${campaign.id}/sequence/${step.id}`;
  const older = await context.newPage();
  for (const tab of [page, older]) {
    await tab.goto(own);
    await hydrated(tab);
  }
  const kept = page.getByText(/^Kept \d\d:\d\d$/);
  const text = page.getByLabel("Text", { exact: true });
  await text.fill("How is everybody?");
  await expect(kept).toBeVisible();
  await page.goto(own);
  await hydrated(page);
  await expect(text).toHaveValue("How is everybody?");

  // Twice, and then by hand: the words of this page are its own newest ones.
  for (const words of ["How is it going?", "How does it go?"]) {
    const answered = page.waitForResponse((response) => response.url().includes("/sf/save_step"));
    await text.fill(words);
    expect((await answered).ok()).toBe(true);
  }
  await text.fill("How do you do?");
  await save(page);

  await older.getByLabel("Text", { exact: true }).fill("Older words");
  await expect(older.getByText(/^Not kept\. /)).toBeVisible();
  await expect(older.getByLabel("Text", { exact: true })).toHaveValue("Older words");
  await page.goto(own);
  await expect(text).toHaveValue("How do you do?");
});

test("what is edited in a running campaign waits until it is published, and an older version comes back", async ({ page, playwright, baseURL }) => {
  test.setTimeout(90_000);
  const tag = `edits-${Date.now()}`;
  const make = await program(playwright, baseURL);
  await make("leads", { email: `${tag}@edits.example`, first_name: "Ida", tags: [tag] });
  await signIn(page);
  await page.goto("/t/halden/campaigns/new");
  const campaign = await make("campaigns", {
    name: tag,
    audience: { kind: "filter", filter: { tag: [tag], score_max: 100 } },
    window: { days: [1, 2, 3, 4, 5, 6, 7], from_minute: 0, to_minute: 1440, zone: "company" },
  });
  const own = `/t/halden/campaigns/${campaign.id}`;
  for (const [amount, subject] of [[0, "Hello"], [3, "Once more"]]) {
    await make(`campaigns/${campaign.id}/steps`, { subject: `${tag} ${subject}`, body: "How are you?", delay: { amount, unit: "days" } });
  }
  await page.goto(`${own}/settings`);
  await hydrated(page);
  await page.getByLabel("nora@halden-labs.example").check();
  await save(page);
  // What the form has no field for is still asked.
  await page.goto(`${own}/settings`);
  await expect(page.getByText("Besides: score at most 100.")).toBeVisible();
  await make(`campaigns/${campaign.id}/start`, {}, 200);
  await expect(async () => {
    await page.goto("/t/halden/sandbox");
    await expect(page.getByRole("link", { name: `${tag} Hello` })).toHaveCount(1, { timeout: 1000 });
  }).toPass();

  await page.goto(`${own}/sequence`);
  await page.getByRole("link", { name: "Edit" }).last().click();
  await page.waitForURL(/sequence\/[0-9a-f-]{36}/);
  await hydrated(page);
  await expect(page.getByText("What you save goes into the next version.")).toBeVisible();
  await page.getByLabel("Text", { exact: true }).fill("How is everybody?");
  await save(page);
  await page.goto(`${own}/sequence`);
  await expect(page.getByText("You are editing version 2. Leads get version 1 until you publish it.")).toBeVisible();
  await expect(page.getByText("Version 2, not published")).toBeVisible();
  await make(`campaigns/${campaign.id}/simulations`, {}, 202);
  await page.goto(`${own}/simulation`);
  await appears(page.getByText("These figures stay the same, for whomever it is published."));
  await page.goto(`${own}/sequence`);
  await page.getByRole("link", { name: "Review and publish" }).click();
  await page.waitForURL(/versions/);
  await hydrated(page);
  await expect(page.locator("ins").last()).toHaveText("everybody?");
  await expect(page.getByText(/1 e-mail planned for them would have other words/)).toBeVisible();
  await page.getByLabel("New leads, and those who are in the middle").check();
  await page.getByRole("button", { name: "Publish" }).click();
  await expect(page.getByText("Published. New leads get this version.")).toBeVisible();

  await page.goto(`${own}/versions`);
  await hydrated(page);
  await expect(page.getByText("Nothing was edited")).toBeVisible();
  await page.getByRole("button", { name: "Edit from this" }).click();
  await expect(page.getByRole("heading", { name: "Version 3, not published" })).toBeVisible();
  await hydrated(page);
  await answer(page, /Discard edits/);
  await expect(page.getByText("Nothing was edited")).toBeVisible();
});
