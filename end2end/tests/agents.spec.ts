import { answer, expect, hydrated, signIn, test } from "./journey";

test("an agent comes from a file, is edited, compared, restored and deleted", async ({ page }, info) => {
  const name = `reviewer-${info.project.name}-${Date.now()}`;
  const file = (words: string) =>
    Buffer.from(`---\nname: ${name}\ndescription: Use it when: a text is done.\\nNever before.\ntools: find_leads, WebSearch\n---\n${words}\n`);
  await signIn(page);
  await page.goto("/t/halden/agents/import");
  await page.setInputFiles("input[type=file]", [
    { name: "good.md", mimeType: "text/markdown", buffer: file("Look once.") },
    { name: "bad.md", mimeType: "text/markdown", buffer: Buffer.from("---\nname: x\n---\n") },
    { name: "old.md", mimeType: "text/markdown", buffer: Buffer.from("---\nname: x\ndescription: caf\u00e9\n---\nx\n", "latin1") },
  ]);
  await page.getByRole("button", { name: "Import" }).click();
  await expect(page.getByRole("heading", { name: "1 of 3 files imported" })).toBeVisible();
  await expect(page.getByText("Line 1: the front matter has no `description`.")).toBeVisible();
  await expect(page.getByText("This is no text in UTF-8. Save it as UTF-8.")).toBeVisible();
  await page.getByRole("link", { name: "To the agents" }).click();
  await hydrated(page);

  await page.getByRole("searchbox", { name: "Search agents" }).fill(name);
  await page.getByRole("searchbox", { name: "Search agents" }).press("Enter");
  await expect(page).toHaveURL(new RegExp(`q=${name}`));
  await page.getByRole("link", { name, exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await page.getByRole("link", { name: "Tools and permissions", exact: true }).first().click();
  await expect(page.getByText("Not a tool of this product; it is never called").first()).toBeVisible();
  await page.getByRole("link", { name: "Quality", exact: true }).click();
  await expect(page.getByText(/has no case that says/)).toBeVisible();

  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await hydrated(page);
  const field = page.getByLabel("Definition");
  const text = await field.inputValue();
  await field.fill(text.replace("name:", "nam:"));
  await page.getByRole("button", { name: "Save new version" }).click();
  await expect(page.getByRole("heading", { name: "There is a problem" })).toBeVisible();
  await expect(page.getByText("Line 1: the front matter has no `name`.").first()).toBeVisible();
  await expect(field).toHaveValue(/nam: /);
  await field.fill(text.replace("Look once.", "Look twice."));
  await page.getByLabel("Why").fill("Once is not enough");
  await page.getByRole("button", { name: "Save new version" }).click();
  await expect(page.getByText("New version saved.")).toBeVisible();

  await page.getByRole("link", { name: "Versions", exact: true }).click();
  await expect(page.getByText("Once is not enough")).toBeVisible();
  await expect(page.locator(".diff .removed")).toContainText("Look once.");
  await expect(page.locator(".diff .added")).toContainText("Look twice.");
  await page.getByRole("link", { name: "Version 1", exact: true }).click();
  await page.getByRole("button", { name: /^Restore this version/ }).click();
  await expect(page.getByText("The version is the newest one now.")).toBeVisible();
  await expect(page.getByText("Version 3").first()).toBeVisible();

  await hydrated(page);
  await answer(page, /^Delete agent/);
  await expect(page.getByText("Agent deleted.")).toBeVisible();
});

test("the catalogue shows its teams, and who may not manage agents reads only", async ({ page }) => {
  await signIn(page, "viktor@halden.example");
  await page.goto("/t/halden/agents");
  for (const team of ["Marketing", "Testing", "User stories", "Engineering"]) {
    await expect(page.getByRole("heading", { level: 2, name: new RegExp(`^${team}`) })).toBeVisible();
  }
  await expect(page.getByRole("link", { name: "New agent" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: /^Disable/ })).toHaveCount(0);
  await page.getByRole("link", { name: "copywriter", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "copywriter" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Edit", exact: true })).toHaveCount(0);
});

test("an agent is evaluated, and its page says what was found", async ({ page }) => {
  test.setTimeout(90_000);
  await signIn(page);
  await page.goto("/t/halden/agents?autonomy=reads");
  await page.getByRole("link", { name: "Remove filter Autonomy" }).click();
  await expect(page).not.toHaveURL(/autonomy/);
  await page.getByRole("link", { name: "copywriter", exact: true }).click();
  await page.getByRole("link", { name: "Quality", exact: true }).click();
  await expect(page.getByRole("heading", { name: "What is expected" })).toBeVisible();
  await hydrated(page);
  await page.getByRole("button", { name: "Run the evaluation" }).click();
  await expect(page.getByText("The evaluation is on its way.")).toBeVisible();
  const row = page.getByRole("table", { name: "Evaluations" }).getByRole("row").nth(1);
  await expect(async () => {
    if (test.info().project.name === "no-js") await page.reload();
    await expect(row.getByText("Passed", { exact: true })).toBeVisible({ timeout: 1500 });
  }).toPass({ timeout: 40_000 });
  await row.getByRole("link", { name: /^Version \d+$/ }).click();
  await expect(page.getByRole("heading", { name: "Evaluation passed" })).toBeVisible();
});
