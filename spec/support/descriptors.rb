# frozen_string_literal: true

# What this process has open, for examples whose clients come by the hundred and leave nothing behind.
module Descriptors
  FOLDER = "/proc/self/fd"

  # nil where the system doesn't tell.
  def self.count = File.directory?(FOLDER) ? Dir.children(FOLDER).size : nil

  # After the block's clients are gone the server has no connections but those it had, and the process as many
  # descriptors.
  def leaving_nothing_open(server)
    GC.start # what earlier examples have left is not to be closed meanwhile
    connections = server.stats[:connections]
    before = Descriptors.count
    result = yield
    eventually("the connections are closed") { server.stats[:connections] == connections }
    eventually("the descriptors are closed") { before.nil? || Descriptors.count <= before }
    result
  end
end
