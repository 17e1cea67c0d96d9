import type { Page } from "@playwright/test";
import { expect, hydrated, signIn, test } from "./journey";

// Waits until the run has this state; without scripts a person loads the page again.
async function reaches(page: Page, state: string) {
  await expect(async () => {
    if (test.info().project.name === "no-js") await page.reload();
    await expect(page.getByRole("status").getByText(state, { exact: true })).toBeVisible({ timeout: 1500 });
  }).toPass({ timeout: 40_000 });
}

async function openForm(page: Page, agent: string) {
  await page.goto("/t/halden/agents");
  await page.getByRole("link", { name: agent, exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: agent })).toBeVisible();
  await page.getByRole("main").getByRole("link", { name: "Run", exact: true }).click();
  await expect(page.getByRole("button", { name: "Start run" })).toBeVisible();
  await hydrated(page);
}

test("the example of an agent runs, and every step can be looked into", async ({ page }) => {
  await signIn(page);
  await openForm(page, "copywriter");
  await page.getByRole("button", { name: "Run the example" }).click();
  await page.waitForURL(/\/runs\/[0-9a-f-]{36}/);
  await reaches(page, "Succeeded");
  await expect(page.getByText("Built-in writer")).toBeVisible();
  await expect(page.getByText(/I am writing about calibration downtime/).first()).toBeVisible();
  await expect(page.getByRole("link", { name: /read_lead/ })).toBeVisible();

  await hydrated(page);
  await page.getByRole("link", { name: /draft_mail/ }).click();
  await expect(page.getByRole("heading", { name: /^Step \d+: draft_mail$/ })).toBeVisible();
  await expect(page.getByRole("region", { name: "Input" })).toContainText("calibration downtime");
  await page.getByRole("link", { name: "Time", exact: true }).click();
  await expect(page.locator(".trace .bar").first()).toBeAttached();
  await page.getByRole("link", { name: "Log", exact: true }).click();
  await expect(page.getByText(/^Step \d+, draft_mail: done$/)).toBeVisible();

  await page.goto("/t/halden/runs");
  await expect(page.getByText(/\d+ working, 10 allowed, \d+ queued/)).toBeVisible();
  await expect(page.getByRole("link", { name: "Write a first e-mail about calibration downtime." }).first()).toBeVisible();
});

test("what reaches people waits for a person, who may say no", async ({ page }) => {
  test.setTimeout(120_000);
  await signIn(page);
  await openForm(page, "event-promoter");
  const field = (name: RegExp) => page.getByRole("textbox", { name });
  await field(/^Task/).fill("Invite our optics leads.");
  await field(/^Tag/).fill("optics");
  await field(/^Event/).fill("Open day");
  await field(/^Date/).fill("14 January 2027");
  await field(/^Place/).fill("Berlin");
  await page.getByRole("combobox", { name: /^Campaign/ }).fill("Re-engage 2026");
  await page.getByRole("button", { name: "Start run" }).click();
  await page.waitForURL(/\/runs\/[0-9a-f-]{36}/);
  const own = new URL(page.url()).pathname;
  await reaches(page, "Needs approval");

  await page.goto("/t/halden/approvals");
  await hydrated(page);
  await page.locator(`a[href="${own}"]`).click();
  await expect(page.getByRole("heading", { name: "event-promoter wants to call enrol_leads" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Arguments" })).toContainText('"campaign"');
  await hydrated(page);

  await page.getByText("Change the arguments").click();
  await page.getByRole("textbox", { name: "Arguments" }).fill("{ nonsense");
  await page.getByRole("button", { name: "Approve once" }).click();
  await expect(page.getByText(/This is no JSON/).first()).toBeVisible();
  await page.goto(own);
  await hydrated(page);
  await page.getByRole("textbox", { name: /^Why not/ }).fill("They were invited last week");
  await page.getByRole("button", { name: "Deny" }).click();
  await expect(page.getByText("Denied. The agent is told and goes on without it.")).toBeVisible();
  await reaches(page, "Succeeded");
  await expect(page.getByText(/denied enrol_leads: They were invited last week/)).toBeVisible();
});

test("a form that lacks something says so beside the field and keeps the rest", async ({ page }) => {
  await signIn(page);
  await openForm(page, "copywriter");
  await page.getByRole("textbox", { name: /^Task/ }).fill("Write a first e-mail.");
  await page.getByRole("button", { name: "Start run" }).click();
  await expect(page.getByRole("heading", { name: "There is a problem" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Enter a value for “Topic”." })).toBeVisible();
  const topic = page.getByRole("textbox", { name: /^Topic/ });
  await expect(topic).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByRole("textbox", { name: /^Task/ })).toHaveValue("Write a first e-mail.");

  await hydrated(page);
  await topic.fill("calibration downtime");
  await page.getByRole("combobox", { name: /^Lead/ }).fill("lead7@atelier-verre.example");
  await page.getByRole("button", { name: "Start run" }).click();
  await page.waitForURL(/\/runs\/[0-9a-f-]{36}/);
  await reaches(page, "Succeeded");
  await hydrated(page);
  await page.getByRole("button", { name: "Run again" }).click();
  await expect(page.getByText("The run that it came from")).toBeVisible();
});

test("the example is put into the form, and a dry run changes nothing", async ({ page }) => {
  await signIn(page);
  await openForm(page, "copywriter");
  await page.getByRole("link", { name: "Put the example into the form" }).click();
  await expect(page.getByRole("textbox", { name: /^Task/ })).not.toHaveValue("");
  await expect(page.getByRole("combobox", { name: /^Lead/ })).toHaveValue(/@/);
  await hydrated(page);
  await page.getByRole("checkbox", { name: /^Dry run/ }).check();
  await page.getByText("Limits and model").click();
  await expect(page.getByRole("spinbutton", { name: "Steps" })).not.toHaveValue("");
  await page.getByRole("button", { name: "Start run" }).click();
  await page.waitForURL(/\/runs\/[0-9a-f-]{36}/);
  await reaches(page, "Succeeded");
  await expect(page.getByText("Nothing was changed and nobody was reached, whatever the answer says.")).toBeVisible();
  await expect(page.getByText("Not done, dry run")).toBeVisible();
});

test("who may not run agents reads only", async ({ page }) => {
  await signIn(page, "viktor@halden.example");
  await page.goto("/t/halden/runs");
  await expect(page.getByRole("link", { name: "Needs you" })).toBeVisible();
  await page.goto("/t/halden/agents");
  await page.getByRole("link", { name: "copywriter", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "copywriter" })).toBeVisible();
  await expect(page.getByRole("main").getByRole("link", { name: "Run", exact: true })).toHaveCount(0);
});

test("the list of runs is narrowed by its address, and a wrong value is told", async ({ page }) => {
  await signIn(page);
  await page.goto("/t/halden/runs?f.state.is=cancelled&f.cost.over=999999");
  await expect(page.getByRole("heading", { name: "No runs match" })).toBeVisible();
  await page.getByRole("link", { name: "Remove filter Cost" }).click();
  await expect(page).not.toHaveURL(/cost/);
  await expect(page).toHaveURL(/f\.state\.is=cancelled/);
  await page.goto("/t/halden/runs?f.state.is=asleep");
  await expect(page.getByText(/“asleep” is not known here/)).toBeVisible();
});
