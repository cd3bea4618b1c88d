internal import Glibc
internal import ProcessSupervision
internal import RunModel

/// What a child finds in its environment: algo-run's own variables less algo-run's secrets, with the version's
/// variables and those of the metrics channel.
struct ChildEnvironment {
  /// The descriptor of the metrics channel in every child.
  static let metricsDescriptor: Int32 = 3

  private let inherited: [KernelString]

  /// - Parameter secrets: names of variables that hold algo-run's own secrets, such as a broker's password.
  init(secrets: Set<String>) {
    let hidden = secrets.map { Array($0.utf8) }
    inherited = Self.variables().filter { variable in
      !hidden.contains { variable.variableName.elementsEqual($0) }
    }
  }

  /// The environment of one execution.
  func variables(for request: RunRequest) -> [KernelString] {
    var added = (request.version?.environment ?? []).map { ($0.name, $0.value) }
    added.append(("ALGO_METRICS_FD", "\(Self.metricsDescriptor)"))
    added.append(("ALGO_REQUEST_ID", request.requestID))
    if let version = request.version {
      added.append(("ALGO_OWNER", version.algorithm.owner))
      added.append(("ALGO_NAME", version.algorithm.name))
      added.append(("ALGO_VERSION", version.version.description))
    }
    // The first of two variables of one name is what getenv finds: what is added must be the only one. Variables of
    // the channel that algo-run itself was given belong to its own execution, not to this child's.
    let replaced = Set(added.map(\.0) + ["ALGO_OWNER", "ALGO_NAME", "ALGO_VERSION"]).map { Array($0.utf8) }
    var variables = inherited.filter { variable in
      !replaced.contains { variable.variableName.elementsEqual($0) }
    }
    for (index, (name, value)) in added.enumerated() where !added[(index + 1)...].contains(where: { $0.0 == name }) {
      variables.append(KernelString("\(name)=\(value)"))
    }
    return variables
  }

  private static func variables() -> [KernelString] {
    var variables: [KernelString] = []
    var next = environ
    while let pointer = next.pointee {
      variables.append(KernelString(cString: pointer))
      next += 1
    }
    return variables
  }
}
