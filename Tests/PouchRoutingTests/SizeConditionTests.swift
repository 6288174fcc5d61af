import PouchRouting
import Testing

struct SizeConditionTests {
    @Test(
        "a condition holds for the sizes that it names",
        arguments: [
            ("< 20 GiB", 0), ("< 20 GiB", (20 << 30) - 1), (">= 1 MB", 1_000_000), ("1 MB - 500 MB", 1_000_000),
            ("1 MB - 500 MB", 500_000_000), ("= 0", 0), ("> 0", 1), ("<= 1 KiB", 1_024), ("> 1 kB and < 2 kB", 1_500),
            ("<5 GiB", 1),
            ("1kB-2kB", 1_500), (" > 1 ", 2), ("1.5 MiB - 2 MiB", 1_572_864),
        ] as [(String, Int64)])
    func holds(_ text: String, _ size: Int64) throws {
        #expect(try SizeCondition(text).holds(for: size))
        #expect(try SizeCondition(text).objection(to: size) == nil)
    }

    @Test(
        "what does not meet it is told which part it misses",
        arguments: [
            ("< 20 GiB", 20 << 30, "20 GiB is not '< 20 GiB'"), (">= 1 MB", 999_999, "999999 bytes is not '>= 1 MB'"),
            ("1 MB - 500 MB", 500_000_001, "500000001 bytes is not '1 MB - 500 MB'"),
            ("> 1 kB and < 2 kB", 2_000, "2 kB is not '< 2 kB'"),
            ("> 0", 0, "0 bytes is not '> 0'"),
        ] as [(String, Int64, String)])
    func objects(_ text: String, _ size: Int64, _ reason: String) throws {
        #expect(try SizeCondition(text).objection(to: size) == reason)
        #expect(try !SizeCondition(text).holds(for: size))
    }

    @Test("without a condition any size will do")
    func takesAny() { #expect(SizeCondition.any.holds(for: .max) && SizeCondition.any.holds(for: 0)) }

    @Test(
        "what says nothing or too little is refused",
        arguments: [
            ("", 0), ("20 GiB", 0), ("< 20 G", 2), ("!= 5", 0), ("< 0", 0), ("5 MB - 1 MB", 0), ("> 2 MB and < 1 MB", 11),
            ("> 2 MB and", 10), ("and > 1", 0), ("< x", 2), ("1 MB - 2 MB - 3 MB", 0), ("1 MB - 2 XB", 7), ("< 99999999999 TiB", 2),
            ("< -5", 2), ("> 9223372036854775807", 2),
        ])
    func refuses(_ text: String, _ offset: Int) {
        let error = #expect(throws: PatternError.self) { try SizeCondition(text) }
        #expect(error?.offset == offset)
    }
}
