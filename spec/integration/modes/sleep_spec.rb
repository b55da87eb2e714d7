# frozen_string_literal: true

RSpec.describe "Kino.sleep" do
  before { require "kino" }

  it "refuses what is no length of time, and takes none at all" do
    expect(Kino.sleep(0)).to eq(0)
    expect { Kino.sleep(-1) }.to raise_error(ArgumentError)
    [nil, "1"].each { |given| expect { Kino.sleep(given) }.to raise_error(TypeError) }
  end

  each_mode do
    # Answers what the block's lambda gives.
    def answer(&maker)
      work = shareable(&maker)
      app = shareable { ->(_) { Probes.answer(work.call) } }
      Probes.read(ask(app))
    end

    it "sleeps no shorter than it is to, and answers as Ruby's own does" do
      took, answered = answer do
        lambda do
          began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
          slept = Kino.sleep(0.05)
          [Process.clock_gettime(Process::CLOCK_MONOTONIC) - began, slept]
        end
      end

      expect(took).to be >= 0.05
      expect(answered).to be_an(Integer)
    end

    it "lets others run meanwhile" do
      entered = Channel.new
      app = shareable do
        lambda do |env|
          if env["PATH_INFO"] == "/sleep"
            entered << true
            Kino.sleep(3600)
          end
          [200, {}, ["awake"]]
        end
      end
      serve(app, threads: 2) do |server, log|
        sleeper = RawClient.open(server.url).write(RawClient.message("GET", "/sleep"))
        take(entered)
        3.times { expect(RawClient.open(server.url, &:get).body).to eq("awake") }
        expect(server.stop(0.1)).to be(false)
        log.allow
        sleeper.close
      end
    end

    it "is woken by an error that another thread raises in it" do
      expect(answer do
        lambda do
          sleeper = Thread.current
          is_ready = false # starting a thread stops this one for a moment, too
          waker = Thread.new do
            Thread.pass until is_ready && sleeper.stop?
            sleeper.raise(KeyError, "wake up")
          end
          is_ready = true
          Kino.sleep(3600)
        rescue KeyError => error
          waker.join
          error.message
        end
      end).to eq("wake up")
    end

    it "is ended with its thread" do
      expect(answer do
        lambda do
          sleeper = Thread.new { Kino.sleep(3600) }
          Thread.pass until sleeper.stop?
          sleeper.kill.join(20).equal?(sleeper)
        end
      end).to be(true)
    end
  end
end
