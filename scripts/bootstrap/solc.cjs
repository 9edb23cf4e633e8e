// The Solidity compiler of npm (WebAssembly) behind the command line of the native one, as far as ape and forge use it:
//   solc --version
//   solc --standard-json < input    sources are inside the input, so nothing is read from the disk
"use strict";
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const solc = require(join(__dirname, "..", "..", "tests", "node_modules", "solc"));

if (process.argv.includes("--version")) {
  const version = solc.version().replace(".Emscripten.clang", ".Linux.g++");
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${version}`);
} else if (process.argv.includes("--standard-json")) {
  process.stdout.write(solc.compile(readFileSync(0, "utf8")));
} else {
  console.error("usage: solc --version | --standard-json < input.json");
  process.exit(2);
}
