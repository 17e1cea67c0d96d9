import { chromium } from "playwright-core";
const [out, ...paths] = process.argv.slice(2);
const base = process.env.BASE ?? "http://127.0.0.1:3410";
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const [name, opt] of Object.entries({ light: { viewport: { width: 1280, height: 900 }, colorScheme: "light" }, dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" }, phone: { viewport: { width: 390, height: 844 }, colorScheme: "light" } })) {
  if (process.env.ONLY && !process.env.ONLY.split(",").includes(name)) continue;
  const page = await (await browser.newContext(opt)).newPage();
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && console.log(name, m.text()));
  await page.goto(base + "/login");
  await page.getByLabel("E-mail").fill("nora@halden.example");
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/\/t\/halden/);
  let n = 0;
  for (const path of paths) {
    if (path.startsWith("click:")) { await page.locator(path.slice(6)).first().click(); await page.waitForTimeout(600); }
    else { await page.goto(base + path); await page.waitForTimeout(500); }
    await page.screenshot({ path: `${out}-${name}-${n++}.png` });
  }
}
await browser.close();
