// Writes the Java classes that Modelina (it is in @asyncapi/cli) makes of the AsyncAPI document on
// stdin into the folder argv[2], and prints their names as JSON.
const { readFileSync } = require("node:fs");
const { JavaFileGenerator } = require("@asyncapi/modelina");

const document = JSON.parse(readFileSync(0, "utf8"));
new JavaFileGenerator({ collectionType: "List" })
  .generateToFiles(document, process.argv[2], { packageName: "medtrack" })
  .then((models) => console.log(JSON.stringify(models.map((model) => model.modelName))));
