"""One program a language: it says of each case on its input "ok", or why the guide's `verify` refuses it."""
