# frozen_string_literal: true

require "support/kino_processes"

RSpec.describe "a process that has served for long enough" do
  include KinoProcesses

  it "is replaced after recycle_requests, one at a time, without a lost request" do
    prepare(kino: "recycle_requests 50\n")
    process = start_processes
    first = serving(process)
    answers = Array.new(200) { ask(process.url).first.to_i }
    eventually("both are replaced") do
      answers.concat(Array.new(20) { ask(process.url).first.to_i })
      (serving(process) & first).empty?
    end
    answers << ask(process.url).first.to_i # of a new one, if none has answered before

    expect(answers.uniq.size).to be > 2
    expect(process.out).to match(/^Process \d \(pid #{first.first}\) has served \d+ requests: another takes its place$/)
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "is replaced past recycle_memory" do
    prepare(<<~RUBY, kino: "recycle_memory '200MB'\n")
      KEPT = []
      run ->(env) { KEPT << "x" * 250_000_000 if env["PATH_INFO"] == "/grow"; [200, {}, [Process.pid.to_s]] }
    RUBY
    process = start_processes
    grown = ask(process.url, "/grow").first.to_i
    eventually("it is replaced") { !alive?(grown) && serving(process).size == 2 }

    expect(process.out).to match(/^Process \d \(pid #{grown}\) takes \d+ MB: another takes its place$/)
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "is what all others are forked from after refork_after, with what it has loaded by then" do
    prepare(<<~'RUBY', kino: "refork_after [30, false]\non_refork { File.write('reforked', Process.pid) }\n")
      loaded = []
      run ->(env) { loaded << env["PATH_INFO"]; [200, {}, ["#{Process.pid} #{loaded.size}"]] }
    RUBY
    process = start_processes
    first = mold(process)
    answers = []
    eventually("it is done") { answers << ask(process.url) and process.out.include?("Reforked: 2 processes") }

    expect(mold(process)).to eq(File.read("#{folder}/reforked").to_i)
    expect(alive?(first)).to be(false)
    expect(serving(process)).not_to include(mold(process))
    expect(ask(process.url).last.to_i).to be > 30
    expect(process.signal(:TERM).status).to eq(0)
  end

  # Clients whose requests one process or the other is at, while others have it be what all are forked from.
  def reforking(process, seconds)
    clients = Array.new(8) { Thread.new { ask(process.url, "/sleep?#{seconds}") } }
    eventually("it is to be the mold") { ask(process.url) and process.out.include?("Reforking") }
    eventually("it finishes what runs") { serving(process).size == 3 }
    yield
    clients.map(&:value)
  end

  it "finishes what runs before others are forked from it, however long it has served" do
    prepare(kino: "refork_after [30, false]\nrestart_timeout 4\nthreads 6\n")
    process = start_processes(2, "-t", "6")
    sleep(4.2)
    answers = reforking(process, 5) { process.wait_for(/^Reforked: 2 processes$/) }

    expect(answers).to all(eq(["5"]))
    expect(process.err).to eq("")
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "finishes what runs where the server is to end before others are forked from it" do
    prepare(kino: "refork_after [30, false]\n")
    process = start_processes(2, "-t", "6")
    answers = reforking(process, 2) { expect(process.signal(:TERM).status).to eq(0) }

    expect(answers).to all(eq(["2"]))
    expect(process.err).to eq("")
  end

  it "is told of with what it was at when it dies before others are forked from it" do
    prepare(<<~'RUBY', kino: "refork_after [30, false]\n")
      run lambda { |env|
        File.write("inside.#{Process.pid}", "") && sleep if env["PATH_INFO"] == "/stay"
        [200, {}, [Process.pid.to_s]]
      }
    RUBY
    process = start_processes(2, "-t", "20")
    before = serving(process)
    clients = []
    eventually("both are at something") do
      clients << RawClient.open(process.url).write(RawClient.message("GET", "/stay")) if clients.size < 16
      Dir["#{folder}/inside.*"].size == 2
    end
    eventually("one is to be the mold") { ask(process.url) and serving(process).size == 3 }
    numbers = serving(process).to_h { |pid| [pid, family(process)[pid][/process \d/]] }
    # Its place is another's already.
    Process.kill(:KILL, before.find { |pid| numbers.values.count(numbers[pid]) == 2 })
    eventually("it is told") { process.err.include?("the refork is given up") }

    expect(process.err).to match(%r{\(SIGKILL\), last seen at GET /stay})
    eventually("two serve") { serving(process).size == 2 }
    process.kill
  end

  it "is none where on_refork raises, and says what" do
    prepare(kino: "refork_after [30, false]\non_refork { raise 'no cache' }\n")
    process = start_processes
    eventually("it is told") { ask(process.url) and process.err.include?("the refork is given up") }

    expect(process.err).to start_with("kino: the refork is given up, and processes that were not replaced go on as " \
                                      "they are: no cache (RuntimeError)\n")
    eventually("both serve") { answerers(process.url).sort == serving(process).sort }
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "names threads that its app has started meanwhile, which those lack that are forked from it" do
    prepare(<<~'RUBY', kino: "refork_after [30, false]\n")
      require "timeout"
      run lambda { |env|
        Timeout.timeout(9) { $thread ||= Thread.new { sleep }.tap { |thread| thread.name = "metrics" } }
        [200, {}, ["#{Process.pid} #{$thread.alive?}"]]
      }
    RUBY
    process = start_processes
    eventually("it is done") { ask(process.url) and process.out.include?("Reforked: 2 processes") }

    expect(process.err).to eq(
      "kino: warning: the app has started 1 thread while it served (metrics), which no process has that is forked " \
      "from it; end them in on_refork, and start them where they are needed\n"
    )
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "leaves no client's socket that its app has taken to those that are forked from it" do
    prepare(<<~'RUBY', kino: "refork_after [30, false]\non_refork { File.write('taken', $taken.to_a.size) }\n")
      run lambda { |env|
        next [200, {}, [Process.pid.to_s]] unless env["PATH_INFO"] == "/taken"

        ($taken ||= []) << env["rack.hijack"].call
        $taken.last.write("taken")
        [200, {}, []]
      }
    RUBY
    process = start_processes(2, "-b", "unix://#{folder}/kino.sock")
    clients = [process.url, "unix://#{folder}/kino.sock"].cycle.first(20).map do |url|
      RawClient.open(url).tap do |client|
        client.write(RawClient.message("GET", "/taken"))
        client.read(5)
      end
    end
    eventually("it is done") { ask(process.url) and process.out.include?("Reforked: 2 processes") }

    expect(File.read("#{folder}/taken").to_i).to be_positive
    expect(clients.map(&:read_to_end)).to all(eq(""))
    expect(serving(process)).to include(ask(process.url).first.to_i)
    expect(process.signal(:TERM).status).to eq(0)
  end
end
