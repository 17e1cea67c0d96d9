import { answer, expect, hydrated, signIn, test } from "./journey";

test("a text is written, edited, read as it was, exported and deleted", async ({ page }, info) => {
  const title = `Drift ${info.project.name} ${Date.now()}`;
  await signIn(page);
  await page.goto("/t/halden/content/new");
  await hydrated(page);
  await page.getByRole("button", { name: "Create text" }).click();
  await expect(page.getByRole("heading", { name: "There is a problem" })).toBeVisible();
  await expect(page.getByText("Write the text.").first()).toBeVisible();
  await page.getByLabel("Title", { exact: true }).fill(title);
  await page.getByLabel("Kind", { exact: true }).selectOption("social");
  await page.getByLabel("Text", { exact: true }).fill("One line.\n<b>Not bold.</b>");
  await page.getByRole("button", { name: "Create text" }).click();
  await expect(page.getByText("Text created.")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1, name: title })).toBeVisible();
  // What somebody wrote is shown as it is, and never becomes a part of the page.
  await expect(page.locator(".prose")).toContainText("<b>Not bold.</b>");

  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Edit text" })).toBeVisible();
  await hydrated(page);
  await page.getByLabel("Text", { exact: true }).fill("Two\nlines.");
  await page.getByRole("button", { name: "Save new version" }).click();
  await expect(page.getByText("New version saved.")).toBeVisible();
  await page.getByRole("link", { name: "Version 1", exact: true }).click();
  await expect(page.getByText("This is version 1")).toBeVisible();
  await expect(page.locator(".written")).toContainText("One line.");
  await page.getByRole("link", { name: "Show the newest version" }).click();
  await expect(page.locator(".written")).toHaveText("Two\nlines.");

  const file = await page.request.get((await page.getByRole("link", { name: "Export" }).getAttribute("href"))!);
  expect(file.headers()["content-disposition"]).toContain(`${title.replaceAll(" ", "-")}.md`);
  expect(await file.text()).toBe("Two\nlines.");

  // A file is known by its first bytes.
  const choose = (name: string, buffer: Buffer) =>
    page.getByLabel("An image, a video or a document").setInputFiles({ name, mimeType: "image/png", buffer });
  await choose("page.png", Buffer.from("<script>alert(1)</script>"));
  await page.getByRole("button", { name: "Attach", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("Choose a PNG");
  await page.getByRole("link", { name: "Back" }).click();
  await hydrated(page);
  const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  await choose("drift.png", Buffer.from(pixel, "base64"));
  await page.getByRole("button", { name: "Attach", exact: true }).click();
  await expect(page.getByText("File attached.")).toBeVisible();
  const image = page.getByRole("img", { name: "The image drift.png" });
  await expect.poll(() => image.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(1);
  await hydrated(page);
  await answer(page.locator("section.card").filter({ hasText: "drift.png" }), /^Remove file/);
  await expect(page.getByText("File removed.")).toBeVisible();
  await expect(image).toHaveCount(0);

  await page.goto("/t/halden/content");
  await hydrated(page);
  await page.getByLabel("Kind", { exact: true }).selectOption("social");
  await page.getByRole("searchbox", { name: "Search texts" }).fill(`${info.project.name} drift`);
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await expect(page).toHaveURL(/kind=social/);
  await expect(page.getByRole("link", { name: title, exact: true })).toBeVisible();
  await page.goto(`/t/halden/content?kind=report&q=${encodeURIComponent(title)}`);
  await expect(page.getByRole("heading", { name: "No texts here" })).toBeVisible();
  await page.goto(`/t/halden/content?q=${encodeURIComponent(title)}`);
  await page.getByRole("link", { name: title, exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: title })).toBeVisible();
  await hydrated(page);
  await answer(page, /^Delete text/);
  await expect(page.getByText("Text deleted.")).toBeVisible();
});

test("who may not change campaigns reads texts only", async ({ page }) => {
  await signIn(page, "viktor@halden.example");
  await page.goto("/t/halden/content?kind=report");
  await expect(page.getByRole("link", { name: "New text" })).toHaveCount(0);
  await page.getByRole("link", { name: /^DACH optics Q4: what we learn/ }).click();
  await expect(page.getByRole("heading", { level: 1, name: /^DACH optics Q4: what we learn/ })).toBeVisible();
  await expect(page.getByRole("link", { name: "DACH optics Q4", exact: true })).toBeVisible();
  await expect(page.getByRole("link", { name: "Edit", exact: true })).toHaveCount(0);
  await expect(page.locator("details.confirm")).toHaveCount(0);
});

test("a task stands on the page of its lead and among all tasks, until it is done", async ({ page }, info) => {
  const title = `Send a sample (${info.project.name} ${Date.now()})`;
  await signIn(page);
  await page.goto("/t/halden/leads?q=lead21%40");
  await page.locator("tbody a").first().click();
  await page.waitForURL(/\/leads\/[0-9a-f-]{36}/);
  await hydrated(page);
  await page.getByRole("button", { name: "Add task" }).click();
  await expect(page.getByText("Say in 1 to 200 characters, on one line, what is to be done.").first()).toBeVisible();
  await page.getByLabel("What is to be done").fill(title);
  await page.getByLabel(/^Due/).fill("2031-05-06");
  await page.getByLabel(/^For/).selectOption({ label: "Jonas Keller" });
  await page.getByRole("button", { name: "Add task" }).click();
  await expect(page.getByText("Task added.")).toBeVisible();
  const here = page.getByRole("listitem").filter({ hasText: title });
  await expect(here).toContainText("Due on 6 May 2031");
  await expect(here).toContainText("For Jonas Keller · made by Nora Berg");

  await page.goto("/t/halden/tasks");
  await hydrated(page);
  await page.getByRole("button", { name: `Done: ${title}` }).click();
  await expect(page.getByText("Task done.")).toBeVisible();
  await expect(page.getByText(title)).toHaveCount(0);
});

test("a draft of a program waits on the page of its lead until somebody dismisses it", async ({ page, request }, info) => {
  const subject = `Your sample (${info.project.name} ${Date.now()})`;
  await signIn(page);
  await page.goto("/t/halden/leads?q=lead28%40");
  await page.locator("tbody a").first().click();
  await page.waitForURL(/\/leads\/[0-9a-f-]{36}/);
  const lead = page.url().match(/leads\/([0-9a-f-]{36})/)![1];
  const headers = { Authorization: `Bearer ${process.env.API_KEY}` };
  const data = { subject, body: "Hello,\nwhere shall it go to?" };
  const kept = await request.post(`/api/v1/leads/${lead}/drafts`, { headers, data });
  expect(kept.status()).toBe(201);

  await page.goto(`/t/halden/leads/${lead}`);
  await hydrated(page);
  const draft = page.getByRole("listitem").filter({ hasText: subject });
  await expect(draft).toContainText("where shall it go to?");
  await draft.getByRole("button", { name: `Dismiss: ${subject}` }).click();
  await expect(page.getByText("Draft dismissed.")).toBeVisible();
  await expect(page.getByText(subject)).toHaveCount(0);
  const drafts = await (await request.get(`/api/v1/leads/${lead}/drafts`, { headers })).json();
  expect(drafts.items.find((d: { subject: string }) => d.subject === subject).state).toBe("dismissed");
});
