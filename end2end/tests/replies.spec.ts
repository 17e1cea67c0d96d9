import { expect, hydrated, signIn, test } from "./journey";

test("a caught mail is answered in the place of its recipient, and the lead shows the reply", async ({ page }, info) => {
  const words = `Call me on Monday, ${info.project.name} ${Date.now()}.`;
  await signIn(page);
  // The demo sends by itself; some recipients answer by themselves, this one does not.
  await expect(async () => {
    await page.goto("/t/halden/sandbox");
    await expect(page.getByRole("row").filter({ hasText: /[^+]lead\d+@/ }).first()).toBeVisible({ timeout: 1000 });
  }).toPass();
  const row = page.getByRole("row").filter({ hasText: /[^+]lead\d+@/ }).first();
  const address = (await row.getByRole("cell").nth(1).textContent())!.match(/[^\s<>,]+@[a-z-]+\.example/)![0];
  await row.getByRole("link").click();
  await expect(page.getByRole("heading", { name: /^Reply as / })).toBeVisible();
  await hydrated(page);

  await page.getByRole("button", { name: "Send reply" }).click();
  await expect(page.getByText("Write what they answer.").first()).toBeVisible();
  await page.getByLabel("Text", { exact: true }).fill(words);
  await page.getByRole("button", { name: "Send reply" }).click();
  await expect(page.getByText("Answered. The page of the lead shows what came of it.")).toBeVisible();

  await page.goto(`/t/halden/leads?q=${encodeURIComponent(address)}`);
  await page.getByRole("region", { name: "Leads table" }).getByRole("cell").getByRole("link").first().click();
  const reply = page.getByRole("article").filter({ hasText: words });
  await expect(reply.getByRole("heading", { name: /^Reply/ })).toBeVisible();
  await reply.getByText("Quoted text").click();
  await expect(reply).toContainText("wrote:");
});

test("who writes an answer hears of a new message, and loses no word", async ({ page, context, javaScriptEnabled }, info) => {
  test.skip(!javaScriptEnabled, "without scripts nothing comes by itself");
  const asked = `Is it loud, ${info.project.name} ${Date.now()}?`;
  const begun = `It is not, ${Date.now()}`;
  await signIn(page);
  const lead = await context.newPage();
  await expect(async () => {
    await lead.goto("/t/halden/sandbox");
    await expect(lead.getByRole("row").filter({ hasText: /[^+]lead\d+@/ }).nth(1)).toBeVisible({ timeout: 1000 });
  }).toPass();
  await lead.getByRole("row").filter({ hasText: /[^+]lead\d+@/ }).nth(1).getByRole("link").click();
  await hydrated(lead);
  await lead.getByLabel("Text", { exact: true }).fill(asked);
  await lead.getByRole("button", { name: "Send reply" }).click();
  await expect(lead.getByText("Answered.")).toBeVisible();

  await page.goto("/t/halden/inbox");
  await page.getByRole("link").filter({ hasText: asked }).first().click();
  await page.getByRole("link", { name: /^(Reply|Go on with your reply)$/ }).click();
  await hydrated(page);
  await page.getByRole("textbox", { name: "Your words" }).fill(begun);
  // Whoever pauses finds their words again wherever they come from.
  await expect(page.getByText(/^Kept \d\d:\d\d$/)).toBeVisible();
  await page.goto("/t/halden/inbox");
  await page.getByRole("link").filter({ hasText: asked }).first().click();
  await page.getByRole("link", { name: "Go on with your reply" }).click();
  await hydrated(page);
  await expect(page.getByRole("textbox", { name: "Your words" })).toHaveValue(begun);
  await page.getByRole("textbox", { name: "Your words" }).fill(`${begun}, mostly`);

  const more = `And heavy, ${Date.now()}?`;
  await lead.reload();
  await hydrated(lead);
  await lead.getByLabel("Text", { exact: true }).fill(more);
  await lead.getByRole("button", { name: "Send reply" }).click();
  await expect(lead.getByText("Answered.")).toBeVisible();

  await expect(page.getByText("New message.")).toBeVisible();
  await expect(page.getByText(more)).toHaveCount(0);
  await page.getByRole("button", { name: "Keep my words and show it" }).click();
  await expect(page.getByRole("article").filter({ hasText: more })).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Your words" })).toHaveValue(`${begun}, mostly`);

  // Sent from where it is written.
  await page.getByRole("textbox", { name: "Your words" }).press("Control+Enter");
  await expect(page.getByText(/^Your reply leaves in ten seconds/)).toBeVisible();
});
