# frozen_string_literal: true

require "kino"
require_relative "../../support/forked"

RSpec.describe "The scoreboard" do
  include Forked

  let(:native) { Kino.const_get(:Native) }
  let(:board) { native::Scoreboard.create(3) }
  let(:settings) { Kino::Configuration.new(mode: :threaded, shutdown_timeout: 0.1).to_h }

  def open_in_another_program(number)
    script = <<~RUBY
      require "kino"
      board = Kino.const_get(:Native)::Scoreboard.open(#{number})
      board.take(2)
      puts board.places
    RUBY
    IO.popen([RbConfig.ruby, "-I", "lib", "-e", script, { number => number, err: %i[child out] }], &:read)
  end

  it "tells the parent what each process has written in its place" do
    expect(board.read(1)).to include(pid: nil, beat: nil, state: :free, in_flight: "")
    forked(->(_) { board.take(1) }) do |pid|
      expect(board.read(1)).to include(pid: pid, state: :starting, beat: be_a(Float), running: 0,
                                       stats: include(accepted: 0))
      expect(board.read(0)).to include(state: :free)
      board.free(1)
      expect(board.read(1)).to include(pid: nil, beat: nil, state: :free)
    end
  end

  it "has no place beside those that it was made with" do
    expect { board.take(3) }.to raise_error(ArgumentError, "place 3: there are 3, from 0")
    expect { native::Scoreboard.create(0) }.to raise_error(ArgumentError, /isn't from 1 to/)
  end

  it "can be given to a program that is started" do
    skip "only Linux has that" unless RUBY_PLATFORM.include?("linux")

    expect(open_in_another_program(board.fileno)).to eq("3\n")
    expect(board.read(2)).to include(state: :starting)
  end

  it "is no file, and nothing that is of another size" do
    skip "only Linux has that" unless RUBY_PLATFORM.include?("linux")

    File.open(__FILE__) do |file|
      expect { native::Scoreboard.open(file.fileno) }.to raise_error(ArgumentError, /no scoreboard/)
      expect(file.read(1)).to eq("#")
    end
    expect { native::Scoreboard.open(9999) }.to raise_error(ArgumentError, /Bad file descriptor/)
  end

  it "needs a place that was taken, for an engine" do
    listeners = native::Listeners.bind(["tcp://127.0.0.1:0"])
    expect { native::Engine.on(listeners, settings.merge(scoreboard: board, place: 0)) }.to raise_error(/taken first/)
    expect { native::Engine.on(listeners, settings.merge(scoreboard: board)) }.to raise_error(ArgumentError, /both/)
  ensure
    listeners.close
  end

  describe "with an engine" do
    let(:listeners) { native::Listeners.bind(["tcp://127.0.0.1:0"]) }
    let(:parent) { IO.pipe }
    let(:said) { Tempfile.new }
    let(:serve) do
      lambda do |_|
        parent.last.close
        $stderr.reopen(said)
        board.take(0)
        native::Engine.on(listeners, settings.merge(scoreboard: board, place: 0, parent: parent.first.fileno)).start
      end
    end

    before do
      board
      listeners
      parent
      said
    end

    after { listeners.close }

    it "tells what it has to do, whatever Ruby is at, and ends when its parent has" do
      forked(serve) do |pid|
        RawClient.open("http://127.0.0.1:#{listeners.port}") do |client|
          client.write("GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
          eventually("a request waits") { board.read(0)[:waiting] == 1 && board.read(0)[:stats][:accepted] == 1 }
          expect(board.read(0)).to include(state: :starting, connections: 1, running: 0)
          parent.last.close
          expect(Process.wait2(pid).last.exitstatus).to eq(1)
        end
        expect(board.read(0)).to include(state: :draining)
        expect(File.read(said.path)).to include("the parent process is gone")
      end
    end
  end
end
