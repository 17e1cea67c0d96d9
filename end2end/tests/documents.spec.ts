import { answer, expect, hydrated, signIn, test } from "./journey";

test("a document is kept, corrected, changed and deleted", async ({ page }, info) => {
  const key = `corvus-${info.project.name}-${Date.now()}`;
  await signIn(page);
  await page.goto("/t/halden/content");
  await page.getByRole("link", { name: "Documents", exact: true }).click();
  await page.getByRole("link", { name: "New document" }).click();
  await expect(page.getByRole("heading", { name: "New document" }).first()).toBeVisible();
  await hydrated(page);
  await page.getByLabel("Collection", { exact: true }).fill("price_lists");
  await page.getByLabel("Key", { exact: true }).fill(key);
  await page.getByLabel("Facts", { exact: true }).fill("price: 10");
  await page.getByRole("button", { name: "Save document" }).click();
  await expect(page.getByRole("heading", { name: "There is a problem" })).toBeVisible();
  await expect(page.getByText("This is no JSON object").first()).toBeVisible();
  await expect(page.getByLabel("Key", { exact: true })).toHaveValue(key);
  await page.getByLabel("Facts", { exact: true }).fill('{"price": 10}');
  await page.getByRole("button", { name: "Save document" }).click();
  await expect(page.getByText("Document saved.")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1, name: key })).toBeVisible();

  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await hydrated(page);
  await page.getByLabel("Facts", { exact: true }).fill('{"price": 12}');
  await page.getByRole("button", { name: "Save document" }).click();
  await expect(page.getByText('"price": 12')).toBeVisible();
  await page.getByRole("link", { name: "Version 1", exact: true }).click();
  await expect(page.getByText("This is version 1.")).toBeVisible();
  await expect(page.getByText('"price": 10')).toBeVisible();

  await page.getByRole("link", { name: "price_lists" }).click();
  await expect(page.getByRole("link", { name: key })).toBeVisible();
  await page.getByRole("link", { name: key }).click();
  await hydrated(page);
  await answer(page, /^Delete document/);
  await expect(page.getByText("Document deleted.")).toBeVisible();
});
