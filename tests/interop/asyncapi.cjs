// Prints what the official parser says of the AsyncAPI document on stdin, as JSON.
const { readFileSync } = require("node:fs");
const { Parser } = require("@asyncapi/parser");

new Parser().parse(readFileSync(0, "utf8")).then(({ document, diagnostics }) => {
  const problems = diagnostics.map(({ code, message, path, severity }) => ({
    code,
    message,
    path: path.join("/"),
    severity,
  }));
  const messages = document
    ? document.channels().all().map((channel) => [channel.address(), channel.messages().all().length])
    : null;
  console.log(JSON.stringify({ problems, messages }));
});
