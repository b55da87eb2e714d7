# frozen_string_literal: true

require "tmpdir"

RSpec.describe "Thirty clients that ask for 10 MB and stop reading" do
  include Descriptors

  each_mode do
    # So that the kernel doesn't take all of the answer on the client's behalf.
    def small_client(server)
      socket = Socket.new(:INET, :STREAM)
      socket.setsockopt(:SOCKET, :RCVBUF, 16_384)
      socket.connect(Socket.sockaddr_in(server.port, "127.0.0.1"))
      RawClient.new(over_tls ? TLS.connect(socket) : socket)
    end

    it "are given up by write_timeout, while an ordinary one is served" do
      content = ("x" * 10_000_000).freeze
      app = shareable { ->(env) { [200, {}, [env["PATH_INFO"] == "/big" ? content : "quick"]] } }
      serve(app, workers: 1, threads: 1, write_timeout: 0.5, queue_timeout: 60) do |server|
        RawClient.open(server.url) do |ordinary|
          expect(ordinary.get.body).to eq("quick")
          leaving_nothing_open(server) do
            slow = Array.new(30) { small_client(server).write(RawClient.message("GET", "/big")) }
            expect(slow.map { |client| client.read_head[1] }.tally).to eq(200 => 30)
            expect(ordinary.get.body).to eq("quick") until server.stats[:write_timeout] == 30
            expect(slow.map { |client| client.read_to_end.bytesize }).to all(be < content.bytesize)
            slow.each(&:close)
          end
          expect(ordinary.get.body).to eq("quick")
          expect(server.stats).to include(write_timeout: 30, aborted: 30, died: 0)
        end
      end
    end

    it "have answers of their own whole, of which a part lies in files once they are many" do
      not_of_processes "it looks at this process's files"
      app = shareable { ->(env) { [200, {}, [env["QUERY_STRING"] * 8_000_000]] } }
      letters = ("a".."l").to_a
      Dir.mktmpdir do |folder|
        serve(app, workers: 1, threads: 2, spool_dir: folder) do |server|
          clients = letters.map { |letter| small_client(server).write(RawClient.message("GET", "/?#{letter}")) }
          clients.each(&:read_head)
          expect(nameless_files(folder)).to be_positive if nameless_files(folder)
          clients.zip(letters) { |client, letter| expect(client.read(8_000_000) == letter * 8_000_000).to be(true) }
          eventually("the files are closed") { (nameless_files(folder) || 0).zero? }
        end
      end
    end

    # How many files without a name this process has open there; nil where the system doesn't tell.
    def nameless_files(folder)
      return unless File.directory?(Descriptors::FOLDER)

      Dir.each_child(Descriptors::FOLDER).count do |number|
        File.readlink("#{Descriptors::FOLDER}/#{number}").match?(/\A#{Regexp.escape(folder)}.* \(deleted\)\z/)
      rescue Errno::ENOENT
        false
      end
    end

    it "lose their connection by a reset, so that the kernel need not keep what they don't read" do
      content = ("x" * 10_000_000).freeze
      serve(shareable { ->(_) { [200, {}, [content]] } }, write_timeout: 0.5) do |server|
        client = small_client(server).write(RawClient.message("GET", "/"))
        client.read_head
        eventually("it is given up") { server.stats[:connections].zero? }
        expect { loop { client.socket.to_io.readpartial(1_000_000) } }.to raise_error(Errno::ECONNRESET)
        client.close
      end
    end
  end
end
