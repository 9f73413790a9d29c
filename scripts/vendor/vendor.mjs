// Copies the browser libraries from node_modules into the web room, so that running the product
// needs no npm. Run `npm ci && npm run vendor` here after changing a version or an icon.
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = new URL(".", import.meta.url);
const product = new URL("../../src/trailkeeper/", here);
const target = new URL("web/static/vendor/", product);
const modules = new URL("node_modules/", here);

// Icons of actions and categories come from the catalogue, those of the pages from icons.txt.
const catalogue = await readFile(new URL("catalogue/activities.toml", product), "utf8");
const own = await readFile(new URL("icons.txt", here), "utf8");
const names = new Set([
  ...[...catalogue.matchAll(/^icon = "([a-z0-9-]+)"/gm)].map((match) => match[1]),
  ...own.split("\n").filter((line) => line && !line.startsWith("#")),
]);

const symbols = [];
for (const name of [...names].sort()) {
  const svg = await readFile(new URL(`lucide-static/icons/${name}.svg`, modules), "utf8");
  const shapes = svg.replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>[\s\S]*$/, "");
  const body = shapes.replace(/\s*\n\s*/g, "");
  symbols.push(`<symbol id="${name}" viewBox="0 0 24 24">${body}</symbol>`);
}

await mkdir(target, { recursive: true });
await writeFile(
  new URL("icons.svg", target),
  `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`,
);
await copyFile(new URL("htmx.org/dist/htmx.min.js", modules), new URL("htmx.min.js", target));
await copyFile(new URL("htmx.org/LICENSE", modules), new URL("htmx.LICENSE.txt", target));
await copyFile(new URL("lucide-static/LICENSE", modules), new URL("icons.LICENSE.txt", target));
console.log(`${symbols.length} icons: ${fileURLToPath(target)}`);
