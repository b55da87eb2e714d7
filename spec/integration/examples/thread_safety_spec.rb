# frozen_string_literal: true

RSpec.describe "examples/thread-safety" do
  context "when requests come at once" do
    before { @server = Example.start("thread-safety") }
    after { @server.kill }

    def visit(path) = @server.get(path).body.chomp

    # Visits that wait at the racy line, and are answered when they are released.
    def hold(*paths)
      visits = paths.map { |path| Thread.new { visit(path) } }
      eventually("all are held") { visit("/held") == "#{paths.size} of #{paths.size}" }
      visits
    end

    # A visit that comes while one is held; it may have to wait for that.
    def follow(path)
      visit = Thread.new { visit(path) }
      eventually("the second is in the app, too") { visit("/held") == "1 of 2" }
      visit
    end

    def release(*visits)
      visit("/release")
      visits.map(&:value)
    end

    it "loses a visit with a counter in a class variable" do
      first, = hold("/racy/counter?hold")
      second = visit("/racy/counter")
      expect([second, *release(first)]).to eq(["visit 1", "visit 1"])
    end

    it "counts each visit behind a lock" do
      first, = hold("/safe/counter?hold")
      second = follow("/safe/counter")
      expect(release(first, second)).to eq(["visit 1", "visit 2"])
    end

    it "shows one visitor another's layout when it is set on the class" do
      first, = hold("/racy/layout?as=public&hold")
      second = visit("/racy/layout?as=admin")
      expect([second, *release(first)]).to eq(["the admin page", "the admin page"])
    end

    it "shows everyone their own layout when it is in an object for the request" do
      first, = hold("/safe/layout?as=public&hold")
      second = visit("/safe/layout?as=admin")
      expect([second, *release(first)]).to eq(["the admin page", "the public page"])
    end

    # Four of the five threads serve somebody with a name. Of two strangers who come at once, one gets such a thread.
    def strangers(path)
      named = release(*hold(*%w[ada bob cy dee].map { |name| "#{path}?name=#{name}&hold" }))
      expect(named).to eq(["hello, ada", "hello, bob", "hello, cy", "hello, dee"])
      release(*hold("#{path}?hold", "#{path}?hold"))
    end

    it "takes a stranger for somebody when Thread.current is left set" do
      expect(strangers("/racy/user")).to include(/\Ahello, (ada|bob|cy|dee)\z/)
    end

    it "knows nobody from the request before when Thread.current is reset" do
      expect(strangers("/safe/user")).to eq(["hello, stranger", "hello, stranger"])
    end

    it "loses a book, and a name in it, with an unguarded ||=" do
      first, = hold("/racy/guestbook?name=ada&hold")
      second = visit("/racy/guestbook?name=bob")
      expect([second, *release(first), visit("/racy/guestbook")]).to eq(%w[bob ada ada])
    end

    it "keeps one book behind a lock" do
      first, = hold("/safe/guestbook?name=ada&hold")
      second = follow("/safe/guestbook?name=bob")
      expect([*release(first, second), visit("/safe/guestbook")]).to eq(["ada", "ada, bob", "ada, bob"])
    end
  end

  describe "kino --check" do
    before(:context) { @status, @report = Example.check("thread-safety") }

    # FILE:LINE of a piece of code.
    def place(file, code)
      lines = File.readlines(File.join(Example::CHECKOUT, "examples/thread-safety", file))
      "#{file}:#{lines.index { |line| line.include?(code) } + 1}"
    end

    it "names each race, and none of the safe twins" do
      expect(@report[:hazards].map { |hazard| hazard.values_at(:kind, :where) }).to contain_exactly(
        ["class_variable", place("racy/counter.rb", "@@visits = visits + 1")],
        ["class_setter", place("racy/layout.rb", "self.layout =")],
        ["thread_local", place("racy/user.rb", "Thread.current[:user] =")],
        ["memoised", place("racy/guestbook.rb", "@names ||=")]
      )
    end

    it "says how each is written safely" do
      expect(@report[:hazards].map { |hazard| hazard[:cure] })
        .to contain_exactly(/LOCK\.synchronize/, /object made for the request/, /ensure Thread\.current/, /\|\|=/)
    end

    it "says that locks and class variables keep the app out of ractors" do
      expect(@status).to eq(1)
      expect(@report[:findings].map { |finding| finding[:path] })
        .to include("Racy::Counter.@@visits", "Safe::Counter.@@visits", "Safe::Counter::LOCK", "Racy::Layout.@layout")
    end
  end
end
