import { expect, hydrated, signIn, test } from "./journey";

// The demo has a campaign whose e-mails are written for each lead; its drafts wait.
test("a draft is judged beside its facts, sent back without a reason in vain, and approved", async ({ page }) => {
  test.setTimeout(120_000);
  await signIn(page);
  await expect(async () => {
    await page.goto("/t/halden/approvals?kind=drafts");
    await expect(page.getByRole("region", { name: "Drafts" }).getByRole("link").first()).toBeVisible({ timeout: 1000 });
  }).toPass({ timeout: 60_000 });
  await hydrated(page);
  await page.getByRole("region", { name: "Drafts" }).getByRole("link").first().click();
  await page.waitForURL(/\/approvals\/[0-9a-f-]{36}/);
  await expect(page.getByRole("heading", { name: "Facts" })).toBeVisible();
  await expect(page.getByText("The built-in writer, from the template")).toBeVisible();
  const own = page.url();
  await hydrated(page);

  await page.locator("summary", { hasText: "Ask for a rewrite" }).click();
  await expect(page.getByRole("checkbox", { name: "Too long" })).toBeVisible();
  await page.getByRole("button", { name: "Ask for a rewrite" }).click();
  await expect(page.getByText("Say why, in 1 to 1,000 characters.").first()).toBeVisible();

  await page.goto(own);
  await hydrated(page);
  await page.locator("summary", { hasText: "Edit" }).click();
  const subject = `Approved ${Date.now()}`;
  await page.getByRole("textbox", { name: /^Subject/ }).fill(subject);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Draft saved. It waits for approval.")).toBeVisible();
  await expect(page.getByRole("heading", { name: "What a person has changed" })).toBeVisible();

  // The decision can be taken back; then the draft is here again.
  const approve = page.getByRole("button", { name: "Approve", exact: true });
  const approved = page.getByRole("status").filter({ hasText: "Approved. The e-mail to" });
  await hydrated(page);
  // A number in the subject that no fact says: it leaves when that was read, and not before.
  const read = page.getByRole("checkbox", { name: "I have read what stands against it" });
  await approve.click();
  await expect(read).toBeFocused();
  await read.check();
  await approve.click();
  await expect(approved).toBeVisible();
  await hydrated(page);
  await approved.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByText("Taken back. The draft waits again.")).toBeVisible();
  await expect(page.getByRole("heading", { name: subject })).toBeVisible();
  await hydrated(page);
  await read.check();
  await approve.click();
  await expect(approved).toBeVisible();
  await expect(async () => {
    await page.goto("/t/halden/sandbox");
    await expect(page.getByText(subject).first()).toBeVisible({ timeout: 1000 });
  }).toPass({ timeout: 60_000 });
});

test("a draft is rejected with a reason and a way on, by its key where there are scripts", async ({ page }) => {
  test.setTimeout(120_000);
  await signIn(page);
  await expect(async () => {
    await page.goto("/t/halden/approvals?kind=drafts");
    await expect(page.getByRole("region", { name: "Drafts" }).getByRole("link").first()).toBeVisible({ timeout: 1000 });
  }).toPass({ timeout: 60_000 });
  await hydrated(page);
  await page.getByRole("region", { name: "Drafts" }).getByRole("link").first().click();
  await page.waitForURL(/\/approvals\/[0-9a-f-]{36}/);
  await hydrated(page);
  const summary = page.locator("summary", { hasText: "Reject" });
  if (test.info().project.name === "no-js") await summary.click();
  else await page.keyboard.press("Backspace");
  await page.getByRole("radio", { name: "Take the lead out of the campaign" }).check();
  await page.getByRole("textbox", { name: "Why" }).fill("She is not the buyer");
  await page.getByRole("button", { name: "Reject", exact: true }).click();
  await expect(page.getByRole("status").filter({ hasText: "leaves the campaign" })).toBeVisible();
});

test("a step that AI writes is tried out with real leads", async ({ page }) => {
  test.setTimeout(120_000);
  await signIn(page);
  await page.goto("/t/halden/campaigns");
  await hydrated(page);
  await page.getByRole("link", { name: "Energy, one by one" }).first().click();
  await page.waitForURL(/\/campaigns\/[0-9a-f-]{36}$/);
  await page.goto(`${page.url()}/sequence`);
  await hydrated(page);
  await page.locator("main a[href*='/sequence/']").first().click();
  await page.waitForURL(/\/sequence\/[0-9a-f-]{36}/);
  await hydrated(page);
  await page.getByRole("button", { name: "Write 3 samples" }).click();
  await expect(page.getByText("The samples are being written.")).toBeVisible();
  const own = page.url().split("?")[0] ?? "";
  await expect(async () => {
    await page.goto(own);
    await expect(page.getByText("It passes every check.").first()).toBeVisible({ timeout: 1000 });
  }).toPass({ timeout: 60_000 });
});
