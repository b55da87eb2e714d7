# frozen_string_literal: true

require "tmpdir"

# Ruby's lock is not held while Kino waits for something: others run meanwhile.
RSpec.describe "Ruby's lock" do
  before { require "kino" }

  let(:app) { ->(_) { [200, {}, ["hello"]] } }

  # How often another thread has had its turn while the block ran.
  def turns_of_others
    turns = 0
    other = Thread.new do
      loop do
        sleep 0.001
        turns += 1
      end
    end
    Thread.pass until turns.positive?
    before = turns
    yield
    turns - before
  ensure
    other&.kill&.join
  end

  it "is not held while a server waits for another one that binds in the same folder" do
    Dir.mktmpdir("kino") do |folder|
      # Kino waits for a second at most.
      File.open(folder) do |handle|
        handle.flock(File::LOCK_EX)
        server = Kino::Server.new(app, bind: "unix://#{folder}/kino.sock")
        expect(turns_of_others { server.start }).to be > 5
        expect(RawClient.open(server.url) { |client| client.get("/").status }).to eq(200)
        server.stop
      end
    end
  end

  # The engine's own threads, by their ids, with their names. Ruby's have names, too, and the log's goes on, since it is
  # the process's.
  def engine_threads
    Dir.glob("/proc/self/task/*/comm").filter_map do |path|
      name = File.read(path).chomp
      [path[/\d+/], name] if name.start_with?("kino ") && !name.match?(/\Akino (log|keeper|stuck|\d)/)
    rescue Errno::ENOENT, Errno::ESRCH
      nil
    end.to_h
  end

  it "is not held while a stop waits for the engine's threads, which all end" do
    # Of servers of other examples, whose apps have sockets of theirs still.
    others = engine_threads
    own = -> { engine_threads.except(*others.keys) }
    server = Kino::Server.new(app, port: 0).start
    # Each gives itself its name once it runs.
    eventually("they run") { own.call.size >= 2 }
    server.stop!
    eventually("they are gone") { own.call.empty? }
  end
end
