r"""Answers that are not the reference and were made to be taken for it: a table as `math_pairs.TABLE`, `!=` only.

A word after a number that changes its value, functions that agree at many points but not at all, numbers that agree to
many digits, containers under an operation, relations multiplied by others. A verifier may leave one undecided; it must
not accept one. What agrees to more digits than `math_answer` declares that it looks at is left out.
"""

TRAPS = r"""
## words after numbers
42 != 42 \text{ thousand} ;; 42 \text{ million} ;; 42 \text{ dozen} ;; 42\text{ percent} ;; 42 \text{ squared}
42 != 42 \text{ plus } 1 ;; 42 \text{ plus one} ;; 42 thousand
42 != \text{minus } 42 ;; \text{negative } 42 ;; \text{twice } 42 ;; \text{half of } 42 ;; 42 \text{ or so}
42 != 42 \text{ or more} ;; 42 \text{ is wrong} ;; 42 \text{ maybe 43} ;; 42 \text{ hundred}
42 != 42 \text{ or } 43 \text{ apples} ;; 42 \text{ apples or } 43 ;; 42 \text{ to } 43 ;; 42 \text{ through } 45
42 != 42 \text{ factorial} ;; 42 \text{ over } 2 ;; 42 \text{ cubed} ;; 42 \text{ times } 3
42 != 42 \text{ not} ;; 42 \text{ false} ;; 42 \text{ halves} ;; 42 \text{ below zero}
42 != 42 \text{ incorrect, the answer is } 41 ;; 42 \text{ thirds} ;; 42\text{ billion} ;; 42 \text{ tenths}
42 != 42 \text{ mod } 5 ;; 42 \text{ per mille}
42 != 42\ldots ;; \ldots 42 ;; 42\text{k} ;; 42 k ;; 42\text{M} ;; 42 \text{ points less} ;; less than 42 ;; over 42
42 != about 42 or 43 ;; 42 and a half ;; 42 \text{ and a half} ;; 42 \frac{1}{2} ;; 42½
5\text{ hours} != 5\text{ minutes} ;; 300 ;; 5\text{ days} ;; 5 \text{ hours } 30 \text{ minutes}
## sampling
\sqrt{x^6} != x^3
|x|^3 != x^3
x|x| != x^2 ;; -x^2 ;; |x|^2
\lfloor x \rfloor != \lceil x \rceil ;; x ;; \lceil x \rceil - 1 ;; \lfloor x+\frac12 \rfloor
x != \arcsin(\sin x) ;; \arctan(\tan x) ;; \arccos(\cos x) ;; |x| ;; \lfloor x \rfloor ;; x(1+10^{-60}) ;; x+10^{-100}
\max(x,y) != x ;; y ;; x+y ;; \min(x,y)
\sqrt{10^{100}+1} != 10^{50}
\sqrt{10^{200}+1} != 10^{100}
\pi != \pi+10^{-60} ;; \pi+10^{-40} ;; \pi + e^{-200} ;; \frac{103993}{33102} ;; \frac{2143}{22}^{1/4}
\sqrt{2} != \sqrt{2}+10^{-70} ;; \sqrt{2+10^{-60}} ;; \frac{665857}{470832}
\sqrt{2} != \sqrt{2}+10^{-300} ;; \sqrt{2+10^{-200}} ;; \sqrt{2}(1+2^{-400})
e^{\pi\sqrt{163}} != 262537412640768744
e^{\pi} - \pi != 20
\ln(640320^3+744) != \pi\sqrt{163}
(-1)^n != 1 ;; -1 ;; (-1)^{2n} ;; (-1)^{n+1}
\cos x != 1-\frac{x^2}{2} ;; \cos(x + 10^{-50}) ;; \cos(x+2)
\sin(10^{30}) != 0 ;; \sin(10^{29})
x^{100} != x^{101} ;; x^{99} ;; 0 ;; (x+10^{-40})^{100}
e^{-1000} != 0 ;; e^{-1001} ;; 10^{-435}
\frac{1}{x^{50}+1} != \frac{1}{x^{50}+2} ;; \frac{1}{x^{51}+1} ;; 0
10^{-400} != 0 ;; 10^{-401} ;; 2 \cdot 10^{-400}
\sqrt{x^2+1} != x ;; |x| ;; x+1
\frac{\sin x}{x} != 1 ;; \cos x
2^{64} != 2^{64}-1 ;; 18446744073709551615 ;; 2^{63}
\log_2(2^{100}+1) != 100
\frac{x}{|x|} != 1 ;; -1 ;; x
\sqrt[3]{x^3} != |x|
(x-1)(x-2)(x-3)(x-4)(x-5) != 0 ;; (x-1)(x-2)(x-3)(x-4)(x-6)
x^{61}-x != 0
2305843009213693951 != 0 ;; 2305843009213693951x
x^2+2305843009213693951 != x^2
x^2+(2^{61}-1)(2^{61}-31)(2^{61}-85) != x^2
## forms
\frac{1}{2} != \frac{1}{2}\text{ or so} ;; \frac{1}{2} \ldots ;; \frac{\frac12}{1} + 0 ;; \frac{1}{2}^2
\frac{1}{2} != \frac{1}{2}! ;; 1 \div 2 + 0 ;; 0.5\% ;; \frac{1}{2}\text{ dozen}
\text{(C)} != \text{not C} ;; C \text{ or } D ;; \text{(C), (D)} ;; \neg C ;; \text{neither C nor D}
\text{(C)} != \text{all but C} ;; C + D ;; C'
\text{yes} != \text{no} ;; \text{yes and no} ;; \text{not yes} ;; \text{yes or no}
\text{Alice} != \text{Alice or Bob} ;; \text{Bob} ;; \text{not Alice} ;; \text{Alice and Bob} ;; \text{Alicia}
(1,2) != (1,2) \text{ or } (2,1) ;; (1,2),(3,4) ;; (1,2)x ;; 2(1,2) ;; (1,2)^2
[1,2] != [1,2] \cup [5,6] ;; [1,2] \text{ or } [3,4] ;; [1,2]x
x=5 != x=5 \text{ or } x=6 ;; x=5, x=6 ;; x \ne 5 ;; x \approx 5
## words
42 != 42 \text{ under par} ;; 42 \text{ wrong} ;; 42 \text{ no} ;; 42 \text{ nope} ;; 42 \text{ bn}
42 != 42\text{ trillion} ;; 42 \text{ lakh} ;; 42 \text{ score}
42 != 42 \text{ gross} ;; 42\text{ K} ;; 42\text{B} ;; 42 \text{ infinity} ;; 42 \text{ pi} ;; 42 \text{ e}
42 != 42 \text{ zero} ;; 42 \text{ one} ;; 42 \text{ two} ;; 42 \text{ x} ;; 42 \text{ xor 43} ;; 42 \text{ quarters}
42 != 42 \text{ hundredths}
42 != 42 \text{ in base } 8 ;; 42_{\text{eight}} ;; 42 \text{ base } 7 ;; 42 \text{ octal} ;; 42 \text{ hex}
42 != 42 \text{ mod} ;; 42 \text{ inverse} ;; 42 \text{ doubled}
42 != 42 \text{ unless}~43 ;; 42 \text{ ignore, } 41 ;; 42 \text{ (wrong)} ;; 42 \text{ (or 41)}
42 != 42 \text{ minutes past } 3 ;; 42 \text{ at most} ;; 42 \text{ or less}
18 != 18 cents short ;; 18 \text{ dollars in debt} ;; -\$18 ;; \$-18
\$18 != 18 \text{ cents} ;; 18 \text{ euros} ;; 18¢ ;; 18 \text{ apples} ;; 18 \text{ kg}
5\text{ cm} != 5 \text{ apples} ;; 5 \text{ inches} ;; 5 \text{ cm per second} ;; 5 \text{ cm or more}
5\text{ cm} != 5 \frac{\text{cm}}{\text{s}} ;; 5\text{ cm}^{-1} ;; 5\text{ dm}
5\text{ km/h} != 5\text{ km} ;; 5\text{ m/s} ;; 5 \text{ h/km} ;; 5\text{ km h}
## powers of signs
(-1)^n != 0 ;; n ;; (-1)^{n^2+n} ;; -(-1)^n ;; (-1)^{3n+1} ;; i^n ;; \cos(2\pi n)
(-2)^n != 2^n ;; -2^n ;; |2^n| ;; 4^{n/2}
\frac{1+(-1)^n}{2} != 1 ;; 0 ;; \frac{1-(-1)^n}{2} ;; \frac12
(-x)^{1/2} != x^{1/2} ;; -x^{1/2} ;; 1
\sqrt{x-10^6} != 0 ;; \sqrt{10^6-x} ;; x
\ln(x-1000) != \ln(1000-x) ;; 0 ;; \ln x
\arcsin(x+5) != 0 ;; x ;; \arccos(x+5)
n! != n ;; 1 ;; (n+1)! ;; n^n
\binom{n}{2} != n ;; \frac{n(n+1)}{2} ;; \binom{n}{3}
x! != (x+1)! ;; x
\log_x 2 != \log_2 x ;; \frac{\ln x}{\ln 2}
i^n != 1 ;; (-1)^n ;; n i
\lfloor x/2 \rfloor != x/2 ;; \lfloor x \rfloor/2
\text{sgn}(x) != 1 ;; -1
x^x != x^2 ;; 1 ;; x
\frac{x-x}{y} != 1 ;; y
\frac{|x|+x}{2} != x ;; 0 ;; |x|
\max(x, -x) != x ;; -x
x \bmod 2 != x ;; 0 ;; 1
\gcd(a,b) != a ;; b ;; ab ;; 1
## odd containers
\{1,2\} != \{1,2,1,3\} ;; \{1 , 2 \} \cup \{3\} ;; \{1,2\} \setminus \{2\} ;; 2^{\{1,2\}} ;; \{1\},\{2\}
\{1,2\} != \{x \mid x = 1\}
(0,1) != 0,1 ;; (0,1] ;; [0,1] ;; (0,1)^c ;; (1,0) ;; (0,1) \cup (1,2) ;; \overline{(0,1)} ;; (0;1;2)
(-\infty,3) != (-\infty,3)^c ;; \mathbb{R}\setminus(-\infty,3) ;; x \not< 3 ;; \neg(x<3) ;; x < 3 \text{ and } x > 4
(-\infty,3) != (-\infty,3) \cap (0,5)
x>2 != x>2 \text{ or } x<-2 ;; x>2, x<5 ;; x>2 \text{ and } x<5 ;; |x|>2 ;; x \ngtr 2 ;; x>2>x
\begin{pmatrix} 1 \\ 2 \end{pmatrix} != -\begin{pmatrix} 1 \\ 2 \end{pmatrix} ;; 2\begin{pmatrix} 1 \\ 2 \end{pmatrix}
\begin{pmatrix} 1 \\ 2 \end{pmatrix} != \begin{pmatrix} 1 & 2 \end{pmatrix}^2
\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} != \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}^T
\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} != \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}^{-1}
\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} != \begin{vmatrix} 1 & 2 \\ 3 & 4 \end{vmatrix}
\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} != \det\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}
y=2x+1 != y=2x+1, y=3x ;; y=2x+1 \text{ or } y=0 ;; y \approx 2x+1 ;; y \neq 2x+1 ;; 0=0 ;; y=y ;; (y-2x-1)(y-x)=0
y=2x+1 != (y-2x-1)^2+1=0
x^2+y^2=4 != 0=0 ;; (x^2+y^2-4)(x-y)=0 ;; x=2 ;; x^2+y^2+z^2=4
x+y=3 != 0(x+y)=0 ;; (x+y)^2=9 ;; (x+y-3)(x^2-1)=0 ;; \sqrt{x+y}=\sqrt{3}x
12:30 != 12.5 ;; 12:03 ;; 0:30 ;; 12:30:01 ;; 24:30
1:2 != 1:2:3 ;; 0.5:2
## branches and reversed pairs
|x-3| != 3-x ;; y = 3-x ;; \sqrt{(x-3)^2}-1 ;; x-3
|x-50| != 50-x ;; x-50 ;; x+50
|x+1000| != x+1000 ;; -x-1000
\sqrt{x^2} != \arccos(\cos x) ;; y = x ;; x^2
|x|+|x-1| != 1 ;; 2x-1 ;; 1-2x ;; 2x
\frac{x}{|x|} != (-1)^{2n} ;; -(-1)^{2n} ;; 1^n
\lfloor x \rfloor != \lfloor x/1000 \rfloor ;; 0
\max(x,100) != 100 ;; x
\sqrt{(x-20)^2(x-30)^2} != (x-20)(x-30) ;; -(x-20)(x-30)
\emptyset != (3, 0.5) ;; (1,0) ;; (0.6,-0.8) ;; (0,-3)
\text{no solution} != (0,-3) ;; (2,1)
\left( 3, \frac{\pi}{2} \right) != \{\} ;; \emptyset ;; \text{no solution} ;; None ;; (-\infty,-1)\cap(1,\infty)
\left(\frac{3}{5}, -\frac{4}{5}\right) != None ;; x < 3 \text{ and } x > 4 ;; \varnothing ;; x>2>x
(0,-3) != None ;; \text{none} ;; \{\} ;; (1,-3) ;; (5,2)
## more branches
\sqrt{(x-1)^2}+\sqrt{(x+1)^2} != 2x ;; 2 ;; -2x ;; 2|x|
|\sin x| != \sin x ;; -\sin x ;; \sin|x|
|\cos x| != \cos x ;; \cos|x|
|x^2-4| != x^2-4 ;; 4-x^2 ;; x^2+4
|ab| != ab ;; -ab ;; a|b|
\sqrt{a^2b^2} != ab ;; a|b|
\sqrt{a^2+b^2} != a+b ;; |a|+|b| ;; a
\ln|x| != \ln x^2 ;; |\ln x|
\lfloor 2x \rfloor != 2\lfloor x \rfloor ;; \lfloor x \rfloor + \lfloor x+1 \rfloor
\lceil x \rceil != \lfloor x \rfloor+1 ;; \lfloor x+1 \rfloor ;; -\lfloor x \rfloor
\min(x,y,z) != x ;; y ;; z ;; \min(x,y)
\arctan x+\arctan\frac{1}{x} != \frac{\pi}{2} ;; 0
\arcsin x+\arccos x != 1 ;; \frac{\pi}{4} ;; \pi
2\arctan x != \arctan\frac{2x}{1-x^2} ;; \arctan 2x
\sqrt{x+1}\sqrt{x-1} != \sqrt{x^2+1} ;; x
\sqrt{1-\cos^2 x} != \sin x ;; 1-\cos x
\frac{x^2-1}{|x-1|} != x+1 ;; -x-1
x^{2/2} != |x|
|x-10^9| != 10^9-x
|x-12345| != 12345-x
\max(x,10^6) != 10^6
\lfloor x/10^9 \rfloor != 0
(-1)^{n(n+1)/2} != 1 ;; (-1)^n
\cos(n\pi) != 1 ;; -1
2^n+(-1)^n != 2^n+1 ;; 2^n-1 ;; 2^n
(-3)^{n+1} != 3^{n+1} ;; -(-3)^{n} ;; -3^{n+1}
\sin(\frac{n\pi}{2}) != 0 ;; 1 ;; (-1)^n
n^2-n+41 != n^2+41 ;; 41
\frac{1}{2}+\frac{(-1)^n}{2} != 1 ;; 0 ;; (-1)^n
x^2-2 \cdot 10^{12} x != x^2
10^{-12}x != 0 ;; 10^{-13}x
x^{17} - x != 0
## pairs and none
(5,5) != \{5\} ;; \emptyset ;; 5
[3,3] != \emptyset ;; (3,3)
(3,3) != \{3\} ;; [3,3] ;; None
(a,b) != (b,a) ;; \emptyset ;; ab ;; [a,b]
(-1,1) != |x|<2 ;; |x| \le 1 ;; \{-1,1\} ;; 0
(2,-1,3) != None ;; (2,-1) ;; \emptyset
\{3\} != \{\{3\}\} ;; 3, 3, 4 ;; (3,3) ;; \{3,4\}
None != 0 ;; \infty ;; 1
\text{none} != \text{one} ;; 0 ;; \text{some}
## more words
15 != 15 \text{ fifths} ;; 15 \text{ short of } 30 ;; 15 \text{ to one} ;; 15th ;; 15^{\text{th}}
15 != 15 \text{ negative units} ;; 15 \text{ ones and } 2 \text{ tens}
15 != 15 \text{ thousands} ;; 15 \text{ millions} ;; 15 \text{ dozens} ;; 15 \text{ sixths} ;; 15 \text{ eighths}
15 != 15 \text{ hundreds} ;; 15 \text{ percents} ;; 15 \text{ minus ones}
15 != 15 \text{ zillions} ;; 15 \text{ less apples} ;; 15 \text{ plus apples} ;; 15 \text{ apples or oranges or 16}
15 != 15 \text{ quadrillions}
0.5 != 0.5 \text{ hundreds} ;; 0.5 \text{ thousandths}
100 != 100 \text{ tenths} ;; 100 \text{ grand} ;; 100\text{ basis points}
\text{Tuesday} != \text{Tuesday or Wednesday} ;; \text{the day after Tuesday} ;; \text{not Tuesday} ;; \text{Thursday}
\text{odd} != \text{not odd} ;; \text{odd or even} ;; \text{even}
\text{increasing} != \text{not increasing} ;; \text{decreasing} ;; \text{non-increasing}
\text{The function is odd} != \text{The function is even} ;; \text{The function is not odd}
"""
