# frozen_string_literal: true

require "support/kino_process"

RSpec.describe "kino, told to stop, with workers that" do
  include KinoProcess::Helpers

  each_mode do
    before do
      File.mkfifo("#{folder}/go")
      write("kino.rb", "workers 2\nthreads 1\nbind 'tcp://127.0.0.1:0'\n#{settings}\n")
      write("config.ru", <<~'RUBY')
        module App
          def self.call(env)
            return [200, {}, ["hello"]] if env["PATH_INFO"] == "/"

            $stdout.puts "inside #{env["PATH_INFO"]}"
            $stdout.flush
            case env["PATH_INFO"]
            when "/busy" then loop {}
            when "/wait" then File.read("go")
            when "/sleep" then sleep
            when "/deaf" then loop { deaf }
            when "/die" then Thread.exit
            end
            [200, {}, []]
          end

          # Takes no notice of being ended.
          def self.deaf
            sleep
          ensure
            deaf
          end
        end
        run App
      RUBY
    end

    let(:settings) { mode == :processes ? "mode :threaded\nprocesses 2" : "mode #{mode.inspect}" }

    # Starts a kino that has little patience.
    def hasty
      File.write("#{folder}/kino.rb", "shutdown_timeout 0.5\n", mode: "a")
      kino
    end

    # A client whose request is inside the app.
    def inside(process, path)
      client = RawClient.open(process.url).write(RawClient.message("GET", path))
      process.wait_for(/^inside #{path}$/)
      client
    end

    # What came on standard error, without what Ruby says of its ractors.
    def complaints(process) = process.err.lines(chomp: true).grep_v(/warning: Ractor .* experimental/)

    it "are idle, ends with 0" do
      process = kino
      expect(process.get.body).to eq("hello")

      expect(process.signal(:TERM).status).to eq(0)
      expect(complaints(process)).to eq([])
    end

    requests = { "compute" => "/busy", "wait for a file" => "/wait", "sleep" => "/sleep", "are deaf" => "/deaf" }
    requests.each do |what, path|
      it "#{what}, leaves at the deadline with 1 and names the request" do
        process = hasty
        client = inside(process, path)

        expect(process.signal(:TERM).status).to eq(1)
        expect(complaints(process)).to match([
          "kino: requests still ran 0.5 s after the signal (shutdown_timeout); ending without them",
          /\Akino: gave up GET #{path}, for \d+\.\d s\z/
        ])
        expect(client.read_to_end).not_to include("200 OK")
      end
    end

    it "are all at something, names all of it" do
      process = hasty
      clients = [inside(process, "/busy"), inside(process, "/wait")]

      expect(process.signal(:TERM).status).to eq(1)
      expect(complaints(process).drop(1).map { |line| line[/gave up GET \S+,/] })
        .to contain_exactly("gave up GET /busy,", "gave up GET /wait,")
      clients.each(&:close)
    end

    it "are ended by the app meanwhile, ends with 0 all the same" do
      process = kino
      waiting = inside(process, "/wait")
      dying = inside(process, "/die")
      process.signal(:TERM)
      expect(dying.read_response.status).to eq(500)
      File.write("#{folder}/go", "went")

      expect(waiting.read_response.status).to eq(200)
      expect(process.status).to eq(0)
      expect(complaints(process).first).to match(%r{\Akino: an error in the app \(GET /die\): .*was ended})
    end

    it "can't boot, ends by itself with 1 and says why" do
      not_of_processes "the parent counts processes, see processes/surviving_spec"
      write("kino.rb", "port 0\nworkers 1\n#{settings}\non_worker_boot { |_| raise 'no database' }\n")
      process = kino

      expect(process.status).to eq(1)
      expect(process.out).not_to include("Stopping")
      expect(process.err.scan(/^kino: worker 1 could not boot: kino\.rb:4:in /).size).to eq(5)
      expect(process.err.lines.last).to match(/\Akino: worker 1 could not boot 5 times in a row, .*: no database \(Ru/)
    end
  end

  it "have a hook that can't be shared, is refused with its file and line" do
    write("config.ru", "module App\n  def self.call(_) = [200, {}, []]\nend\nrun App\n")
    write("kino.rb", "port 0\nmode :ractor\nlist = []\non_worker_boot { |worker| list << worker }\n")
    process = kino

    expect([process.status, process.out]).to eq([1, ""])
    expect(process.err).to match(/\Akino: kino\.rb:4: this hook runs in every worker's ractor, and can't .*\n\z/)
  end
end
