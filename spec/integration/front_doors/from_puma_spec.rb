# frozen_string_literal: true

require "support/kino_process"

RSpec.describe "A Puma user's files" do
  include KinoProcess::Helpers

  before do
    write("config.ru", 'run ->(_) { [200, {}, [ENV["RACK_ENV"]]] }')
    # What `rails new` writes, more or less, on a port of this example's own.
    write("config/puma.rb", <<~RUBY)
      threads_count = ENV.fetch("RAILS_MAX_THREADS", 3)
      threads threads_count, threads_count
      port ENV.fetch("THE_PORT", 3000), "127.0.0.1"
      environment "staging"
      workers 2
      preload_app!
      plugin :tmp_restart
      worker_timeout 3600
      worker_culling_strategy :oldest
      pidfile ENV["PIDFILE"] if ENV["PIDFILE"]
    RUBY
  end

  let(:env) { { "THE_PORT" => "0", "PIDFILE" => "kino.pid" } }

  it "run by kino -C, which lists what it ignores, once" do
    process = kino("-C", "config/puma.rb", env: env)

    expect(process.get.body).to eq("staging")
    process.wait_for(/^Ctrl-C/)
    expect(process.out.lines[0]).to include(", 2 processes x threaded: 1 worker x 3 threads, staging)")
    expect(process.out.lines[1..3]).to match([
      "Words of Puma's that do nothing here (kino --from-puma FILE writes a kino.rb without them):\n",
      "  config/puma.rb:9: worker_culling_strategy :oldest: Kino chooses which process ends at TTOU\n",
      /\AListening on/
    ])
    expect(process.signal(:TERM).status).to eq(0)
    expect(process.err).to eq("")
  end

  it "become a kino.rb by kino --from-puma, which says the same and ignores nothing" do
    made = kino("--from-puma")
    expect(made.status).to eq(0)
    write("kino.rb", made.out)
    process = kino(env: env)

    expect(process.get.body).to eq("staging")
    process.wait_for(/^Ctrl-C/)
    expect(process.out.lines[0]).to include(", 2 processes x threaded: 1 worker x 3 threads, staging)")
    expect(process.out.lines[1]).to start_with("Listening on")
    expect(process.signal(:TERM).status).to eq(0)
  end

  it "are refused where there are none" do
    made = kino("--from-puma", "no.rb")

    expect([made.status, made.out]).to eq([1, ""])
    expect(made.err).to eq("kino: no.rb: Puma's configuration can't be read (No such file or directory); name it: " \
                           "kino --from-puma FILE\n")
  end

  describe "a pidfile" do
    # Starts, and waits until the file has the process's id.
    def start_with_pid
      process = kino("-C", "config/puma.rb", env: env)
      process.get
      eventually("the file has the process's id") { File.read("#{folder}/kino.pid") == "#{process.pid}\n" }
      process
    end

    it "has the process's id from when it listens to its end" do
      write("kino.pid", "1\n") # of a server that is gone
      process = start_with_pid

      expect(process.signal(:TERM).status).to eq(0)
      expect(File.exist?("#{folder}/kino.pid")).to be(false)
    end

    it "is let be where it is another server's by then" do
      write("kino.pid", "")
      process = start_with_pid
      write("kino.pid", "1\n")

      expect(process.signal(:TERM).status).to eq(0)
      expect(File.read("#{folder}/kino.pid")).to eq("1\n")
    end

    it "of a server that runs ends the start of another before that says anything" do
      first = start_with_pid
      second = kino("-C", "config/puma.rb", env: env)

      expect([second.status, second.out]).to eq([1, ""])
      expect(second.err).to start_with("kino: pidfile: kino.pid is that of process #{first.pid}, which runs; stop it")
      expect(first.get.status).to eq(200)
      expect(first.signal(:TERM).status).to eq(0)
    end

    it "that can't be written ends the start with one message" do
      process = kino("-C", "config/puma.rb", env: { **env, "PIDFILE" => "no/kino.pid" })

      expect(process.status).to eq(1)
      expect(process.err)
        .to start_with("kino: pidfile: no/kino.pid can't be written (No such file or directory); write ")
    end
  end

  it "have -t with a least and a most" do
    process = kino("-C", "-", "-p", "0", "-t", "0:7")

    process.wait_for(/1 worker x 1 to 7 threads/)
  end
end
