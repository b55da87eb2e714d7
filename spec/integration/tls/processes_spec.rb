# frozen_string_literal: true

require "support/kino_processes"

RSpec.describe "a certificate of several processes" do
  include KinoProcesses

  def shown(process)
    tls = TLS.connect(TCPSocket.new("127.0.0.1", process.url[/\d+\z/].to_i))
    tls.peer_cert
  rescue OpenSSL::SSL::SSLError, SystemCallError
    nil # of a process that was killed
  ensure
    tls&.close
  end

  def shows_only?(process, made) = Array.new(16) { shown(process) }.all? { |one| one == made.certificate }

  def put(made) = made.write(folder)

  # A key that belongs to none of them.
  def spoil = File.write(File.join(folder, "app.key"), TLS.made.key_pem)

  def complaints(process) = process.err.scan(/can't be read again, so what was is served on: key ".*" is not/).size

  def start_with(made, preload:, mode: :threaded)
    files = put(made)
    prepare(kino: <<~RUBY)
      bind "ssl://127.0.0.1:0"
      tls cert: #{files[:cert].inspect}, key: #{files[:key].inspect}
      preload #{preload}
      mode :#{mode}
    RUBY
    process = kino("-t", "1", "--processes", "2", pgroup: true)
    process.wait_for(/^Ctrl-C/)
    process
  end

  let(:made) { Array.new(3) { TLS::Made.new("localhost") } }

  { threaded: [true, false], ractor: [true] }.each do |mode, ways|
    ways.each do |preload|
      context "in mode :#{mode} with preload #{preload}" do
        it "is the last good one where all are killed while the files are wrong" do
          process = start_with(made[0], preload: preload, mode: mode)
          put(made[1])
          eventually("all have it") { shows_only?(process, made[1]) }
          spoil
          eventually("all have looked") { complaints(process) == 2 }

          before = family(process).keys - [process.pid]
          before.each { |pid| Process.kill(:KILL, pid) }
          eventually("there are others") { serving(process).size == 2 && !serving(process).intersect?(before) }
          eventually("they say so") { complaints(process) == 4 }
          expect(shows_only?(process, made[1])).to be(true)

          put(made[2])
          eventually("all have it") { shows_only?(process, made[2]) }
          expect(process.signal(:TERM).status).to eq(0)
        end

        { USR1: "restart", HUP: "reload" }.each do |signal, what|
          it "that is wrong ends a #{what} before anything has changed" do
            process = start_with(made[0], preload: preload, mode: mode)
            before = serving(process)
            spoil
            process.signal(signal)
            given_up = /the #{what} is given up, and all goes on as before: .* could not boot: key ".*" is not the key/
            eventually("it is given up") { process.err.match?(given_up) }

            expect(serving(process).sort & before).to eq(before.sort)
            expect(shows_only?(process, made[0])).to be(true)
            put(made[1])
            process.signal(signal)
            process.wait_for(/^Re(?:started|loaded): 2 processes$/)
            expect(shows_only?(process, made[1])).to be(true)
            expect(process.signal(:TERM).status).to eq(0)
          end
        end
      end
    end
  end
end
