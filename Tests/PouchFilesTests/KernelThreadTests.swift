import PouchFiles
import Testing

@Suite("a thread as the kernel knows it")
struct KernelThreadTests {
    @Test("that runs, and one that is no more, waits for no device")
    func running() {
        let current = KernelThread.current
        #expect(current.number > 0)
        #expect(!current.waitsForADevice)
        #expect(!KernelThread(number: .max).waitsForADevice)
    }
}
