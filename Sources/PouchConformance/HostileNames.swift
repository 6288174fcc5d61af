/// Names that hurt programs which build commands, paths, URLs, headers or log lines of them.
package enum HostileNames {
    package static let own = [
        "", "..", "a/b", "-rf", "--help", "-", "--", "%00", "%2e%2e%2f", "a b", " ", "  two  ", ".", "...", ".hidden", "dot.", "~",
        "~root",
        "a\nb", "a\tb", "a\rb", "\u{1B}[31m", "\u{7F}", "\u{0}",
        "$HOME", "${IFS}", "$(id)", "`id`", "; id", "| id", "&& id", "> out", "< in", "!!", "*", "?", "[a]", "{a,b}", "*?[a]",
        "{name}",
        "'", "\"", "'; DROP", "\\", "\\\\server\\share", "C:\\x", "a\\nb", "\\x41", "%s%n", "#fragment", "?query=1", "a&b=c", "a+b",
        "a;b", "a:b",
        "a=b", "@file", "http:", "file:", "//", "CON", "nul.txt", "aux", "<script>", "<!-- -->", "&amp;", "]]>", "=1+1", "null",
        "true", "0x10",
        "1e309", "NaN", "-0", "undefined",
        "ü", "u\u{308}", "\u{202E}txt.exe", "\u{200B}", "a\u{200D}b", "\u{FEFF}bom", "\u{2028}", "ﷺ", "İ", "ı", "ß", "ﬀ", "Ω",
        "田中さん", "مرحبا",
        "שלום", "💥", "👩‍👩‍👧", "🇨🇭", "e\u{301}\u{302}\u{303}\u{304}", "𝒳",
    ]
}
