# frozen_string_literal: true

RSpec.describe "The garbage collector" do
  each_mode(of_one_process: true) do
    # An answer of every kind, by the request.
    let(:app) do
      shareable do
        lambda do |env|
          body = env["rack.input"].read
          told = [env["PATH_INFO"], env["HTTP_X_NUMBER"], body.bytesize.to_s].join(" ")
          case env["PATH_INFO"]
          when %r{\A/each} then [200, { "x-told" => told }, Bodies::Each.new(told, body)]
          when %r{\A/call} then [200, { "x-told" => [told, told] }, Bodies::Called.new(told, body)]
          when %r{\A/raise} then raise(told)
          else [200, { "x-told" => told, "x-kind" => :array }, [told, body]]
          end
        end
      end
    end

    def check(client, path, number, body)
      response = client.post(path, body, { "x-number" => number.to_s, "x-padding" => "p" * (number * 7) })
      return expect(response.status).to eq(500) if path.start_with?("/raise")

      told = "#{path} #{number} #{body.bytesize}"
      expect([response.status, response.values("x-told").first]).to eq([200, told])
      expect(response.body == told + body).to be(true)
    end

    def check_all(client, rounds)
      rounds.times do |n|
        %w[/array /each /call /raise].each { |path| check(client, "#{path}/#{n}", n, "body #{n} " * (n + 1)) }
        check(client, "/array/large", n, "x" * 70_000)
      end
    end

    it "may run at every allocation" do
      # Without the page that development has: it allocates so much that a busy machine would need minutes.
      converse(app, lint: false, environment: "production") do |client, _, log|
        log.allow
        check_all(client, 1)
        GC.stress = true
        check_all(client, 1)
      ensure
        GC.stress = false
      end
    end

    it "may move objects whenever it runs" do
      skip "this Ruby can't compact" unless GC.respond_to?(:auto_compact=)

      app = self.app
      keeping = shareable { ->(env) { Probes::Keeper.keep(env) { app.call(env) } } }
      serve(keeping, lint: false, workers: 2, threads: 2) do |server, log|
        log.allow
        GC.auto_compact = true
        concurrently(3) { RawClient.open(server.url) { |client| check_all(client, 15) } }
        GC.compact
        kept = Array.new(20) { RawClient.open(server.url) { |client| Probes.read(client.get("/kept")) } }.flatten
        expect(kept).not_to be_empty
        numbers = kept.map { |env| [env["HTTP_X_NUMBER"], env["HTTP_X_PADDING"].size] }
        expect(numbers).to all(satisfy { |number, padding| padding == Integer(number) * 7 })
      ensure
        GC.auto_compact = false
      end
    end

    it "gives back what 20,000 requests took each time" do
      skip "needs /proc to read the process's memory" unless File.exist?("/proc/self/statm")

      pages = lambda do
        GC.start
        Integer(File.read("/proc/self/statm").split[1])
      end
      converse(Probes::Echo, lint: false) do |client|
        batch = RawClient.message("POST", "/", {}, "x" * 1_000) * 100
        run = ->(count) { count.times { client.write(batch) && 100.times { client.read_response } } }
        run.call(100)
        # What is kept for good grows each time; Ruby's own heap, now and then.
        growths = Array.new(3) do
          before = pages.call
          run.call(200)
          pages.call - before
        end
        expect(growths.min).to be < 4_000 # of 4 KiB each; the requests alone were 20 MB
      end
    end
  end
end
