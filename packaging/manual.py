#!/usr/bin/env python3
"""Writes pouch(1) from what the program says of itself, so that the two cannot differ.

Usage: pouch --experimental-dump-help | manual.py DATE > pouch.1
"""

import json
import sys


def escaped(text):
    """Text as roff wants it: no line may begin like a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.splitlines())


def shown(argument):
    """An option or argument as it is typed: bold what is written as it is, slanted what is replaced."""
    value = "\\fI" + escaped(argument["valueName"]) + "\\fR"
    if argument["kind"] == "positional":
        return value
    names = ["-" + n["name"] if n["kind"] == "short" else "--" + n["name"] for n in argument["names"]]
    typed = ", ".join("\\fB" + escaped(name) + "\\fR" for name in names)
    return typed if argument["kind"] == "flag" else typed + " " + value


def synopsis(path, command):
    parts = ["\\fB" + escaped(path) + "\\fR"]
    for argument in command.get("arguments", []):
        if not is_its_own(argument):
            continue
        text = shown(argument).split(", ")[-1] + ("..." if argument.get("isRepeating") else "")
        parts.append("[" + text + "]" if argument.get("isOptional") else text)
    return " ".join(parts)


def is_its_own(argument):
    """Not one of those that every command has."""
    names = {n["name"] for n in argument.get("names") or []}
    return argument.get("shouldDisplay", True) and not names & {"help", "version", "config"}


def commands(path, command):
    """Every command that does something, with the words that are typed for it."""
    below = [c for c in command.get("subcommands", []) if c["commandName"] != "help" and c.get("shouldDisplay", True)]
    if not below:
        yield path, command
    for sub in below:
        yield from commands(path + " " + sub["commandName"], sub)


def page(tool, date):
    out = ['.TH POUCH 1 "' + date + '" "" "User Commands"', ".nh", ".SH NAME", "pouch \\- " + escaped(first_words(tool["abstract"]))]
    out += [".SH SYNOPSIS", "\\fBpouch\\fR \\fIcommand\\fR [\\fIoptions\\fR]", ".SH DESCRIPTION", escaped(tool["abstract"])]
    out += [".PP", ".nf", escaped(tool.get("discussion", "")), ".fi", ".SH OPTIONS"]
    for typed, meaning in [
        ("\\fB\\-c\\fR, \\fB\\-\\-config\\fR \\fIfile\\fR", "The configuration; agent.yaml in this folder when left out."),
        ("\\fB\\-h\\fR, \\fB\\-\\-help\\fR", "Explains a command, with examples."),
        ("\\fB\\-\\-version\\fR", "Shows the version."),
    ]:
        out += [".TP", typed, meaning]
    out += [".SH COMMANDS"]
    for path, command in commands("pouch", tool):
        out += [".SS " + path.removeprefix("pouch "), synopsis(path, command), ".PP", escaped(command.get("abstract", ""))]
        for argument in command.get("arguments", []):
            if argument.get("abstract") and is_its_own(argument):
                out += [".TP", shown(argument), escaped(argument["abstract"])]
    out += [".SH EXIT STATUS"]
    for code, meaning in [
        ("0", "Done."), ("1", "Failed."), ("64", "The command line is wrong."),
        ("75", "The state folder is in use by another agent."), ("78", "The configuration is wrong."),
    ]:
        out += [".TP", "\\fB" + code + "\\fR", meaning]
    out += [".SH FILES"]
    for path, meaning in [
        ("/etc/pouch/agent.yaml", "The configuration of pouch.service; NAME.yaml beside it that of pouch@NAME.service."),
        ("/etc/pouch/secrets/", "Files of root alone, which the services get as credentials."),
        ("/var/lib/pouch/", "The state: journal, claims, quarantine, manifest."),
        ("/var/spool/pouch/", "Drop folder and archive of the example configuration."),
    ]:
        out += [".TP", "\\fI" + escaped(path) + "\\fR", meaning]
    out += [".SH SEE ALSO", "\\fBsystemctl\\fR(1); /usr/share/doc/pouch/docs/operations.md and the pages beside it."]
    return "\n".join(out) + "\n"


def first_words(abstract):
    return abstract[:1].lower() + abstract[1:].rstrip(".")


if __name__ == "__main__":
    sys.stdout.write(page(json.load(sys.stdin)["command"], sys.argv[1]))
