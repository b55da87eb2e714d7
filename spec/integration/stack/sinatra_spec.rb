# frozen_string_literal: true

require "json"
require "tmpdir"

RSpec.describe "A Sinatra app" do
  # Only here: the other specs run without Sinatra, too.
  before(:context) { require "sinatra/base" }

  around do |example|
    Dir.mktmpdir("kino-sinatra") do |folder|
      @folder = File.realpath(folder)
      Dir.mkdir("#{@folder}/public")
      File.binwrite("#{@folder}/public/site.css", "p {}")
      File.binwrite("#{@folder}/report.pdf", report)
      example.run
    end
  end

  let(:report) { "0123456789" * 20_000 }
  let(:told) { Queue.new }
  let(:go_on) { Queue.new }

  # A modular app, whose class is new for each example.
  let(:app) do
    folder, told, go_on = @folder, self.told, self.go_on
    Class.new(Sinatra::Base) do
      set environment: :production, root: folder, sessions: true, session_secret: "not a secret, but long enough. " * 4

      before("/admin*") { halt 401, { "www-authenticate" => "Basic" }, "who are you?" }
      after { headers "x-after" => request.path_info }
      not_found { "nothing at #{request.path_info}" }
      error(ArgumentError) { "sorry: #{env["sinatra.error"].message}" }

      get("/") { "hello" }
      get("/hello/:name") { |name| "hello, #{name}#{params[:mark]}" }
      get("/files/*.*") { params[:splat].join("|") }
      get("/admin/panel") { "never seen" }
      get("/old") { redirect to("/hello/there?mark=!"), 301 }
      get("/away") { redirect "https://example.org/" }
      get("/failing") { raise ArgumentError, "boom" }
      get("/broken") { raise "surprise" }
      get("/halted") { halt 418, "short and stout" }
      get("/empty") { 204 }
      get("/list") { %w[one two three] }
      get("/report") { send_file "#{folder}/report.pdf", filename: "Report.pdf" }
      get("/missing") { send_file "#{folder}/nowhere.pdf" }
      get("/visits") { (session[:visits] = session.fetch(:visits, 0) + 1).to_s }
      post("/form") { redirect to("/hello/#{params.fetch(:name)}") }
      put("/thing/:id") { "#{params[:id]}: #{request.body.read}" }

      get "/fresh" do
        etag "v1"
        "made anew"
      end

      post "/json" do
        content_type :json
        { sum: JSON.parse(request.body.read).sum }.to_json
      end

      get "/stream" do
        stream do |out|
          out << "first"
          go_on.pop
          out << "second"
          out.callback { told << :closed }
        end
      end

      get "/endless" do
        stream(true) do |out|
          out.callback { told << :closed } if told.empty?
          out << "again " * 1_000
        end
      end
    end
  end

  each_mode do
    before { only_in :threaded, "Sinatra keeps an app's settings in its class, where ractors can't read them" }

    it "finds its routes, with params of the path and of the query" do
      converse(app) do |client|
        expect(client.get("/").body).to eq("hello")
        expect(client.get("/hello/Zo%C3%AB?mark=%21").body).to eq("hello, Zo\u00eb!".b)
        expect(client.get("/files/a/b.txt").body).to eq("a/b|txt")
        expect(client.get("/list").body).to eq("onetwothree")
        expect(client.request("PUT", "/thing/7", {}, "new").body).to eq("7: new")
      end
    end

    it "answers HEAD as GET, without the body, and 204 with none" do
      converse(app) do |client|
        head = client.request("HEAD", "/")
        expect([head.status, head["content-length"], head.body]).to eq([200, "5", ""])
        expect(client.get("/empty").then { |answer| [answer.status, answer.body] }).to eq([204, ""])
        expect(client.get("/").body).to eq("hello")
      end
    end

    it "reads JSON that is posted, and answers with some" do
      converse(app) do |client|
        answer = client.post("/json", "[1, 2, 39]", { "content-type" => "application/json" })
        expect([answer["content-type"], JSON.parse(answer.body)]).to eq(["application/json", { "sum" => 42 }])
      end
    end

    it "redirects to where the client has come to" do
      converse(app) do |client, server|
        old = client.get("/old", { "host" => "localhost:#{server.port}" })
        expect([old.status, old["location"]]).to eq([301, "http://localhost:#{server.port}/hello/there?mark=!"])
        expect(client.get("/away").then { |answer| [answer.status, answer["location"]] })
          .to eq([302, "https://example.org/"])
        headers = { "content-type" => "application/x-www-form-urlencoded" }
        posted = client.post("/form", "name=you", headers)
        expect([posted.status, posted["location"]]).to eq([303, "http://localhost/hello/you"])
      end
    end

    it "halts, asks its filters, and has a page for what it doesn't find" do
      converse(app) do |client|
        answers = %w[/halted /admin/panel /nowhere].map { |path| client.get(path) }
        expect(answers.map { |answer| [answer.status, answer.body] })
          .to eq([[418, "short and stout"], [401, "who are you?"], [404, "nothing at /nowhere"]])
        expect(answers[1]["www-authenticate"]).to eq("Basic")
        expect(answers[0]["x-after"]).to eq("/halted")
      end
    end

    it "answers 500 by its error handler, logs the error, and goes on" do
      converse(app) do |client, _, log|
        failed = client.get("/failing")
        expect([failed.status, failed.body]).to eq([500, "sorry: boom"])
        log.wait_for(/ArgumentError - boom/)
        broken = client.get("/broken")
        expect([broken.status, broken.body]).to eq([500, "<h1>Internal Server Error</h1>"])
        log.wait_for(/RuntimeError - surprise/)
        expect(client.get("/").body).to eq("hello")
      end
    end

    it "leaves its errors to the server where it is told to" do
      app.set raise_errors: true, dump_errors: false
      converse(app) do |client, _, log|
        expect(client.get("/broken").status).to eq(500)
        log.wait_for(/surprise \(RuntimeError\)/)
        expect(client.get("/").body).to eq("hello")
      end
    end

    it "streams what it writes at once, and closes the stream" do
      not_of_processes "the app tells it in this process's memory"
      converse(app) do |client|
        2.times do
          client.write(RawClient.message("GET", "/stream")).read_head
          expect(client.read("5\r\nfirst\r\n".bytesize)).to eq("5\r\nfirst\r\n")
          go_on << true
          expect(client.read_chunks).to eq("second")
          expect(take(told)).to eq(:closed)
        end
      end
    end

    it "ends a stream that is kept open when the client leaves" do
      not_of_processes "the app tells it in this process's memory"
      serve(app, threads: 1) do |server|
        client = RawClient.open(server.url).write(RawClient.message("GET", "/endless"))
        client.read(100_000)
        client.abort
        expect(take(told)).to eq(:closed)
        expect(RawClient.open(server.url) { |other| other.get("/").body }).to eq("hello")
      end
    end

    it "sends a file, whole and in ranges, and 404 where there is none" do
      converse(app) do |client|
        whole = client.get("/report")
        expect([whole.status, whole["content-type"], whole.framing]).to eq([200, "application/pdf", report.bytesize])
        expect(whole["content-disposition"]).to eq('attachment; filename="Report.pdf"')
        expect(whole.body == report).to be(true)
        part = client.get("/report", { "range" => "bytes=100001-100010" })
        expect([part.status, part["content-range"], part.body]).to eq([206, "bytes 100001-100010/200000", "1234567890"])
        expect(client.get("/report", { "range" => "bytes=200000-" }).status).to eq(416)
        head = client.request("HEAD", "/report")
        expect([head.status, head["content-length"], head.body]).to eq([200, "200000", ""])
        expect(client.get("/missing").status).to eq(404)
      end
    end

    it "sends what lies in its public folder, and nothing beside it" do
      converse(app) do |client|
        file = client.get("/site.css")
        expect([file["content-type"], file["content-length"], file.body]).to eq(["text/css;charset=utf-8", "4", "p {}"])
        expect(client.get("/site.css", { "if-modified-since" => file["last-modified"] }).status).to eq(304)
        expect(client.get("/../report.pdf").status).to eq(404)
        expect(client.get("/%2e%2e/report.pdf").status).to eq(404)
      end
    end

    it "answers 304 to who has its etag" do
      converse(app) do |client|
        fresh = client.get("/fresh")
        expect([fresh.status, fresh.body, fresh["etag"]]).to eq([200, "made anew", '"v1"'])
        expect(client.get("/fresh", { "if-none-match" => '"v1"' }).then { |seen| [seen.status, seen.body] })
          .to eq([304, ""])
        expect(client.get("/").body).to eq("hello")
      end
    end

    it "keeps each visitor's session" do
      serve(app) do |server|
        visits = concurrently(4) do
          Browser.open(server.url) { |browser| Array.new(5) { browser.get("/visits").body } }
        end
        expect(visits).to eq([%w[1 2 3 4 5]] * 4)
      end
    end
  end
end
