// Answers, for each line {"type", "body"} on stdin, whether Ajv finds the body valid.
// argv[2] is a file of {type: schema}.
const { readFileSync } = require("node:fs");
const { createInterface } = require("node:readline");
const Ajv = require("ajv/dist/2020");
const addFormats = require("ajv-formats");

const ajv = addFormats(new Ajv({ strict: true })); // asserts `format`, too
const schemas = JSON.parse(readFileSync(process.argv[2], "utf8"));
const validators = new Map(
  Object.entries(schemas).map(([type, schema]) => [type, ajv.compile(schema)]),
);

createInterface({ input: process.stdin }).on("line", (line) => {
  const { type, body } = JSON.parse(line);
  console.log(validators.get(type)(JSON.parse(body)));
});
