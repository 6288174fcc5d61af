import PouchTestSupport
import Testing

/// Who guards the guards: the promises are kept by a plain destination, and each planted bug breaks one of them.
struct DestinationRequirementTests {
    @Test("a destination without a bug keeps every promise", arguments: DestinationRequirement.all)
    func keepsPromise(_ requirement: DestinationRequirement) async throws {
        try await requirement.verify(MemoryHarness())
    }

    @Test(
        "a planted bug breaks the promise that is there for it",
        arguments: [
            (.placesBeforeSaving, "nothing-before-durable"), (.placesBeforeSaving, "failing-journal"),
            (.swallowsJournalFailures, "failing-journal"),
            (.swallowsJournalFailures, "failing-save"), (.savesNothing, "nothing-before-durable"),
            (.savesNothing, "resumed-anywhere"),
            (.overwrites, "taken-suffix"), (.overwrites, "taken-fail"), (.overwrites, "taken-by-another"),
            (.overwrites, "taken-at-once"),
            (.forgetsItself, "again-from-last"), (.forgetsItself, "again-from-nothing"), (.believesTwins, "taken-by-a-twin"),
            (.readsOnlyWhatWasSaid, "source-longer"),
            (.readsOnlyWhatWasSaid, "source-shorter"), (.ignoresDigests, "source-other-bytes"),
            (.ignoresVerification, "source-not-verified"),
            (.movesTheOffset, "descriptor-left-alone"), (.leavesParts, "abandon-anywhere"),
            (.removesWhatIsVisible, "abandon-spares-the-visible"), (.ignoresCancellation, "cancelled-before"),
            (.ignoresTheDeadline, "deadline"),
            (.overstatesProgress, "progress"), (.ignoresCase, "key-lookalikes"), (.escapesNames, "key-characters"),
            (.escapesNames, "key-naughty"), (.alwaysConfirmedByAnswer, "lost-reply"), (.blamesTheFile, "permission"),
            (.blamesTheFile, "full-disk"),
            (.cutsTheLastByte, "odd-size"), (.changesRemedies, "source-unreadable"), (.changesRemedies, "source-not-verified"),
            (.seesNothing, "check-broken"), (.believesAnyVersion, "checkpoint-of-tomorrow"), (.namesNoStages, "receipt"),
            (.changesItsTraits, "traits"), (.dropsWhatIsConcurrent, "many-at-once"),
        ] as [(Flaw, String)])
    func findsPlantedBugs(_ flaw: Flaw, _ id: String) async throws {
        let requirement = try #require(DestinationRequirement.all.first { $0.id == id })
        await #expect(throws: BrokenPromise.self) { try await requirement.verify(MemoryHarness(flaw: flaw)) }
    }
}
