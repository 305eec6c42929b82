// What the Node programs have in common: the tasks' words, and how results are told.
export const WEATHER = "How is the weather ?";
export const CITY = {
  type: "object",
  properties: { city: { type: "string", description: "Name of the city" } },
  required: ["city"],
  additionalProperties: false,
};
export const SCHEMA = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer" } },
  required: ["name", "age"],
  additionalProperties: false,
};
export const weather = (city) => `${city}:sunny`;

export async function run(tasks, words) {
  const only = words.filter((word) => word.startsWith("--")).map((word) => word.slice(2));
  const found = {};
  for (const model of words.filter((word) => !word.startsWith("--"))) {
    found[model] = {};
    for (const [name, task] of Object.entries(tasks)) {
      if (only.length && !only.includes(name)) continue;
      try {
        found[model][name] = (await task(model)) ?? null;
      } catch (error) {
        found[model][name] = { failed: String(error).slice(0, 1500) };
      }
    }
  }
  process.stdout.write(JSON.stringify(found));
}
