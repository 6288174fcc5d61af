import CYAML

/// What libyaml saw, as values of our own.
struct YAMLEvent {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd, sequenceEnd, mappingEnd
        case alias(String)
        case scalar(String, isPlain: Bool, Properties)
        case sequenceStart(Properties)
        case mappingStart(Properties)
    }

    struct Properties {
        let anchor: String?
        let tag: String?
    }

    let kind: Kind
    let mark: Mark
}

/// What libyaml could not read, in its own words, and where.
struct YAMLSyntaxError: Error {
    let text: String
    /// What it was busy with, and where that began.
    let context: (text: String, mark: Mark)?
    let mark: Mark
}

/// Owns a libyaml parser and the text that it reads.
struct YAMLEventStream: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// The text must be UTF-8 without control characters (`YAMLText`): what libyaml says about others is hard to understand.
    init(_ bytes: [UInt8]) throws(YAMLSyntaxError) {
        parser = .allocate(capacity: 1)
        input = .allocate(capacity: max(bytes.count, 1))
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            input.deallocate()
            throw YAMLSyntaxError(text: "not enough memory", context: nil, mark: .start)
        }
        _ = input.initialize(from: bytes)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// Never called again after `streamEnd` or an error.
    mutating func next() throws(YAMLSyntaxError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        defer { yaml_event_delete(&event) }
        return YAMLEvent(kind: try Self.kind(of: event), mark: Mark(event.start_mark))
    }

    private static func kind(of event: yaml_event_t) throws(YAMLSyntaxError) -> YAMLEvent.Kind {
        switch event.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_STREAM_END_EVENT: return .streamEnd
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        case YAML_ALIAS_EVENT: return .alias(text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let value = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return .scalar(
                String(decoding: value, as: UTF8.self),
                isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
                .init(anchor: text(scalar.anchor), tag: text(scalar.tag)))
        case YAML_SEQUENCE_START_EVENT:
            let sequence = event.data.sequence_start
            return .sequenceStart(.init(anchor: text(sequence.anchor), tag: text(sequence.tag)))
        case YAML_MAPPING_START_EVENT:
            let mapping = event.data.mapping_start
            return .mappingStart(.init(anchor: text(mapping.anchor), tag: text(mapping.tag)))
        default:
            throw YAMLSyntaxError(
                text: "libyaml gave an event that it does not document", context: nil, mark: Mark(event.start_mark))
        }
    }

    private func syntaxError() -> YAMLSyntaxError {
        let failed = parser.pointee
        let context = failed.context.map { (text: String(cString: $0), mark: Mark(failed.context_mark)) }
        return YAMLSyntaxError(
            text: failed.problem.map { String(cString: $0) } ?? "not enough memory", context: context,
            mark: Mark(failed.problem_mark))
    }

    private static func text(_ characters: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        characters.map { String(cString: $0) }
    }
}

extension Mark {
    /// libyaml counts both from 0, columns in characters.
    fileprivate init(_ mark: yaml_mark_t) { self.init(line: mark.line + 1, column: mark.column + 1) }
}
